/** Tells the server where the cursor comes to rest, so that the engine reads ahead what a suggestion there will need. */

import * as vscode from "vscode";
import { NotificationType, type TextDocumentPositionParams } from "vscode-languageclient";
import type { LanguageClient } from "vscode-languageclient/node";

const RESTED_MS = 300;

const didMoveCursor = new NotificationType<TextDocumentPositionParams>("dgemma/didMoveCursor");

export class CursorReporter {
  private timer: NodeJS.Timeout | undefined;
  private told = "";
  private readonly listening: vscode.Disposable;

  /** selector: which documents are looked at. running: the server's client, if there is one. isPaused: whether nothing is
   * suggested at present. */
  constructor(
    private readonly selector: vscode.DocumentSelector,
    private readonly running: () => LanguageClient | undefined,
    private readonly isPaused: () => boolean,
  ) {
    const moved = () => this.wait();
    this.listening = vscode.Disposable.from(
      vscode.window.onDidChangeActiveTextEditor(moved),
      vscode.window.onDidChangeTextEditorSelection(moved),
    );
  }

  /** Tells of the cursor as it stands, to a server that has just started. */
  begin(): void {
    this.told = "";
    this.wait();
  }

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), RESTED_MS);
  }

  /** Within a line nothing is read anew. */
  private tell(): void {
    const editor = vscode.window.activeTextEditor;
    const client = this.running();
    if (
      !editor ||
      !client?.isRunning() ||
      this.isPaused() ||
      !vscode.languages.match(this.selector, editor.document)
    ) {
      return;
    }
    const position = editor.selection.active;
    const line = `${editor.document.uri}#${position.line}`;
    if (line !== this.told) {
      this.told = line;
      const textDocument = client.code2ProtocolConverter.asTextDocumentIdentifier(editor.document);
      const cursor = { textDocument, position: client.code2ProtocolConverter.asPosition(position) };
      client.sendNotification(didMoveCursor, cursor).catch(() => undefined); // The next server is told.
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.listening.dispose();
  }
}
