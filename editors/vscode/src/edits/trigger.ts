/** When an edit is asked for unasked: once the user's change has settled. */

import * as vscode from "vscode";

const SETTLED_MS = 100;
const BULK_CHARACTERS = 200;
const BULK_LINES = 8;

/** Whether many lines changed at once, as when a file is formatted, or a page pasted. */
function isBulk(changes: readonly vscode.TextDocumentContentChangeEvent[]): boolean {
  const count = (measure: (change: vscode.TextDocumentContentChangeEvent) => number) =>
    changes.reduce((sum, change) => sum + measure(change), 0);
  return (
    count(({ text }) => text.length) >= BULK_CHARACTERS ||
    count(({ text, range }) =>
      Math.max(text.split("\n").length - 1, range.end.line - range.start.line),
    ) >= BULK_LINES
  );
}

/** Whether a change is one that others may follow from: the user's own, with one cursor. */
function isTyped({ document, reason, contentChanges }: vscode.TextDocumentChangeEvent): boolean {
  const editor = vscode.window.activeTextEditor;
  return (
    editor?.document === document &&
    editor.selections.length === 1 &&
    vscode.window.state.focused &&
    reason === undefined &&
    !isBulk(contentChanges)
  );
}

/** Calls `onChange` when a document has changed, whoever changed it, and `onSettled` with the editor in which the user did,
 * when no other change has followed. */
export class Trigger {
  private timer: NodeJS.Timeout | undefined;
  private readonly listening: vscode.Disposable;

  /** selector: which documents are looked at; an output channel is none. */
  constructor(
    selector: vscode.DocumentSelector,
    onChange: () => void,
    onSettled: (editor: vscode.TextEditor) => void,
  ) {
    this.listening = vscode.workspace.onDidChangeTextDocument((change) => {
      // Without changes of the content only whether it is saved has changed.
      if (!change.contentChanges.length || !vscode.languages.match(selector, change.document)) {
        return;
      }
      onChange();
      this.cancel();
      if (isTyped(change)) {
        this.timer = setTimeout(() => {
          const editor = vscode.window.activeTextEditor;
          if (editor?.document === change.document) {
            onSettled(editor);
          }
        }, SETTLED_MS);
      }
    });
  }

  /** Forgets the change that has not settled yet. */
  cancel(): void {
    clearTimeout(this.timer);
  }

  dispose(): void {
    this.cancel();
    this.listening.dispose();
  }
}
