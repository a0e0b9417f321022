/** Asking the server for a rewrite, with a progress that the user can cancel. */

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import type { Hunk } from "../display/change";
import { type Draft, draftProgress, rewriteRequest } from "./protocol";

/** A selection of one version of a document, and what shall become of it. seed: another one brings another answer. */
export interface Asked {
  document: vscode.TextDocument;
  version: number;
  range: vscode.Range;
  instruction: string;
  seed: number;
}

/** candidates: their hunks. rejection: why there are none. notice: what the user should know of the checkpoint. */
export interface Answered {
  candidates: Hunk[][];
  rejection?: string;
  notice?: string;
}

let requests = 0;

/** The answer; `onDraft` takes every draft before it. Rejects if `source` cancels, which the user can do as well. */
export async function requestRewrite(
  client: LanguageClient,
  { document, version, range, instruction, seed }: Asked,
  source: vscode.CancellationTokenSource,
  onDraft: (draft: Draft) => void,
): Promise<Answered> {
  const partialResultToken = `rewrite-${++requests}`;
  const listening = client.onProgress(draftProgress, partialResultToken, onDraft);
  const { code2ProtocolConverter: ours, protocol2CodeConverter: theirs } = client;
  const params = {
    textDocument: { uri: ours.asUri(document.uri), version },
    range: ours.asRange(range),
    instruction,
    seed,
    partialResultToken,
  };
  const progress = {
    location: vscode.ProgressLocation.Notification,
    title: `Rewriting: ${instruction}`,
    cancellable: true,
  };
  try {
    const answer = await vscode.window.withProgress(progress, (_, cancelled) => {
      cancelled.onCancellationRequested(() => source.cancel());
      return client.sendRequest(rewriteRequest, params, source.token);
    });
    return {
      candidates: answer.candidates.map(({ hunks }) =>
        hunks.map((hunk) => ({ range: theirs.asRange(hunk.range), newText: hunk.newText })),
      ),
      rejection: answer.rejection?.message,
      notice: answer.stats.notice,
    };
  } finally {
    listening.dispose();
  }
}
