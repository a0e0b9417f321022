/** Asking the server for an edit, and telling it what became of one. */

import * as vscode from "vscode";
import { ExecuteCommandRequest } from "vscode-languageclient";
import type { LanguageClient } from "vscode-languageclient/node";
import { isCancelled, reasonOf } from "../protocol";
import { type Offer, offerOf } from "./offer";
import { inlineEditRequest, type TriggerKind } from "./protocol";

const DIAGNOSTIC_LINES = 50;

/** What the server knows of problems near the cursor only through us. */
function diagnosticsNear(document: vscode.TextDocument, line: number): vscode.Diagnostic[] {
  return vscode.languages
    .getDiagnostics(document.uri)
    .filter(({ range }) => Math.abs(range.start.line - line) <= DIAGNOSTIC_LINES);
}

/** The edit that is offered at an editor's cursor, or in words why none is; undefined where neither is of use any more. */
export async function requestEdit(
  client: LanguageClient,
  { document, selection }: vscode.TextEditor,
  triggerKind: TriggerKind,
  token: vscode.CancellationToken,
): Promise<Offer | string | undefined> {
  const { code2ProtocolConverter: ours } = client;
  const { version } = document;
  const position = selection.active;
  const diagnostics = ours.asDiagnosticsSync(diagnosticsNear(document, position.line));
  const params = {
    textDocument: { uri: ours.asUri(document.uri), version },
    position: ours.asPosition(position),
    context: { triggerKind, diagnostics },
  };
  try {
    const { edit, rejection } = await client.sendRequest(inlineEditRequest, params, token);
    if (token.isCancellationRequested || document.version !== version) {
      return undefined;
    }
    return edit ? offerOf(edit, client, { document, position }) : rejection?.message;
  } catch (error) {
    if (!isCancelled(error)) {
      client.warn("No edit could be asked for", error, false);
      return reasonOf(error);
    }
    return undefined;
  }
}

/** Tells the server what became of an edit, by one of its commands. */
export async function report(
  client: LanguageClient | undefined,
  command: string,
  args: unknown[] = [],
): Promise<void> {
  try {
    await client?.sendRequest(ExecuteCommandRequest.method, { command, arguments: args });
  } catch (error) {
    client?.warn("What became of an edit could not be reported", error, false);
  }
}
