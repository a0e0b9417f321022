/** What client and server say to each other about edit suggestions. */

import {
  type Command,
  type Diagnostic,
  type Position,
  type Range,
  RequestType,
  type TextEdit,
  type VersionedTextDocumentIdentifier,
} from "vscode-languageclient";

/** 1: the user asked; 2: a change did. */
export type TriggerKind = 1 | 2;
export const INVOKED: TriggerKind = 1;
export const AUTOMATIC: TriggerKind = 2;

export interface InlineEditParams {
  textDocument: VersionedTextDocumentIdentifier;
  position: Position;
  context: { triggerKind: TriggerKind; diagnostics: Diagnostic[] };
}

/** textDocument: where it is made, which may be another than was asked about. hunks: the same edit in small pieces.
 * position: where it begins. ghostText: the same edit where inline completion can show it. command: what to run when it
 * was made. */
export interface InlineEdit {
  id: string;
  textDocument: VersionedTextDocumentIdentifier;
  range: Range;
  newText: string;
  hunks: TextEdit[];
  position: Position;
  jump: boolean;
  ghostText?: { range: Range; insertText: string };
  command: Command;
}

export interface InlineEditAnswer {
  edit?: InlineEdit;
  rejection?: { reason: string; message: string };
}

export const inlineEditRequest = new RequestType<InlineEditParams, InlineEditAnswer, void>(
  "dgemma/inlineEdit",
);
export const EDIT_REJECTED = "dgemma.editRejected";
