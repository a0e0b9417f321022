/** What client and server say to each other about a rewrite. */

import {
  ProgressType,
  type Range,
  RequestType,
  type TextEdit,
  type VersionedTextDocumentIdentifier,
} from "vscode-languageclient";

/** seed: another one brings another answer to the same instruction. */
export interface RewriteParams {
  textDocument: VersionedTextDocumentIdentifier;
  range: Range;
  instruction: string;
  seed: number;
  partialResultToken: string;
}

/** rejection: why there is no candidate. notice: what the user should know of the checkpoint. */
export interface RewriteAnswer {
  candidates: { hunks: TextEdit[] }[];
  rejection?: { reason: string; message: string };
  stats: { notice?: string };
}

/** The text that would stand in place of the selection, in pieces, each with its entropy in nats. */
export type Draft = [text: string, entropy: number][];

export const rewriteRequest = new RequestType<RewriteParams, RewriteAnswer, void>("dgemma/rewrite");
export const draftProgress = new ProgressType<Draft>();
