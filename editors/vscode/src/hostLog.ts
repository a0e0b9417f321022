/** The engine host's log as a read-only document. */

import * as vscode from "vscode";

const SCHEME = "dgemma";
const ADDRESS = vscode.Uri.from({ scheme: SCHEME, path: "Engine Host.log" });

export class HostLog implements vscode.TextDocumentContentProvider {
  private text = "";
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(
    SCHEME,
    this,
  );
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(): string {
    return this.text;
  }

  /** Shows this text, its end first. */
  async show(text: string): Promise<void> {
    this.text = text;
    this.changed.fire(ADDRESS);
    const document = await vscode.workspace.openTextDocument(ADDRESS);
    await vscode.languages.setTextDocumentLanguage(document, "log");
    const editor = await vscode.window.showTextDocument(document);
    const end = new vscode.Position(document.lineCount, 0);
    editor.revealRange(new vscode.Range(end, end));
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
