/** A rewrite side by side with its document: VS Code's own diff, with a document that is in no file. */

import * as vscode from "vscode";
import type { Hunk } from "../display/change";
import type { Review } from "./review";

const SCHEME = "dgemma-rewrite";

/** A text with its hunks replaced. */
function replaced(document: vscode.TextDocument, hunks: readonly Hunk[]): string {
  const sorted = [...hunks].sort((a, b) => b.range.start.compareTo(a.range.start));
  return sorted.reduce((text, { range, newText }) => {
    const [start, end] = [document.offsetAt(range.start), document.offsetAt(range.end)];
    return text.slice(0, start) + newText + text.slice(end);
  }, document.getText());
}

function rewrittenUri(document: vscode.Uri): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: document.path, query: document.toString() });
}

/** The document that an editor is about: the original where it shows a rewrite of it. */
export function originalUri(uri: vscode.Uri): vscode.Uri {
  return uri.scheme === SCHEME ? vscode.Uri.parse(uri.query) : uri;
}

export class Comparison {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly provider = vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    onDidChange: this.changed.event,
    provideTextDocumentContent: (uri) => this.texts.get(uri.toString()),
  });

  /** Takes over what a rewrite would make of a document as it is reviewed now. */
  update(document: vscode.TextDocument, review: Review): void {
    const uri = rewrittenUri(document.uri);
    this.texts.set(uri.toString(), replaced(document, [...review.open, ...review.accepted]));
    this.changed.fire(uri);
  }

  async open(document: vscode.TextDocument): Promise<void> {
    const name = vscode.workspace.asRelativePath(document.uri);
    const uri = rewrittenUri(document.uri);
    await vscode.commands.executeCommand("vscode.diff", document.uri, uri, `${name}: rewrite`);
  }

  close(document: vscode.TextDocument): void {
    const uri = rewrittenUri(document.uri).toString();
    this.texts.delete(uri);
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const shown = tabs.filter(
      ({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.toString() === uri,
    );
    void vscode.window.tabGroups.close(shown);
  }

  dispose(): void {
    this.provider.dispose();
    this.changed.dispose();
  }
}
