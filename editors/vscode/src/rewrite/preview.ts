/** The hunks of a rewrite in the document, which is not touched: what goes is red, what comes is in a box below it. */

import * as vscode from "vscode";
import { boxBelow } from "../display/box";
import { lineChange } from "../display/change";
import { currentHunk, type Review } from "./review";

function lines(count: number): string {
  return `${count} ${count === 1 ? "line" : "lines"}`;
}

function wholeLines(line: number, count: number): vscode.Range {
  return new vscode.Range(line, 0, line + count - 1, 0);
}

export class Preview {
  private readonly removed = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("diffEditor.removedLineBackground"),
  });
  private readonly added = vscode.window.createTextEditorDecorationType({});
  private readonly notes = vscode.window.createTextEditorDecorationType({
    after: {
      margin: "0 0 0 2em",
      color: new vscode.ThemeColor("editorCodeLens.foreground"),
    },
  });

  show(editor: vscode.TextEditor, review: Review): void {
    const { document } = editor;
    const removed: vscode.Range[] = [];
    const boxes: vscode.DecorationOptions[] = [];
    const notes: vscode.DecorationOptions[] = [];
    for (const hunk of [...review.open, ...review.accepted]) {
      const { line, removed: gone, added } = lineChange(document, hunk);
      const last = gone ? line + gone - 1 : line - 1;
      if (gone) {
        removed.push(wholeLines(line, gone));
      }
      if (hunk === currentHunk(review)) {
        if (added.length) {
          boxes.push(boxBelow(editor, last, added));
        }
      } else {
        const words = review.open.includes(hunk) ? "" : "accepted, ";
        const contentText = `${words}${added.length ? `+${lines(added.length)}` : `−${lines(gone)}`}`;
        const { end } = document.lineAt(last).range;
        notes.push({
          range: new vscode.Range(end, end),
          renderOptions: { after: { contentText } },
        });
      }
    }
    editor.setDecorations(this.removed, removed);
    editor.setDecorations(this.added, boxes);
    editor.setDecorations(this.notes, notes);
  }

  clear(editor: vscode.TextEditor): void {
    for (const decoration of [this.removed, this.added, this.notes]) {
      editor.setDecorations(decoration, []);
    }
  }

  dispose(): void {
    this.removed.dispose();
    this.added.dispose();
    this.notes.dispose();
  }
}
