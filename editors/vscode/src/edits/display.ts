/** An edit that is offered, in decorations: what goes is red, what comes green; or where it is. */

import * as vscode from "vscode";
import { boxBelow } from "../display/box";
import { lineChange } from "../display/change";
import { tabSizeOf, untabbed } from "../display/picture";
import { isAbout, type Offer } from "./offer";

const NO_BREAK_SPACE = "\u00a0";

/** Where the edit is, as seen from an editor. */
function placeOf(offer: Offer, editor: vscode.TextEditor): string {
  const line = offer.position.line + 1;
  const name = vscode.Uri.parse(offer.uri).path.split("/").at(-1);
  return isAbout(offer, editor) ? `at line ${line}` : `in ${name}, line ${line}`;
}

/** Text that comes at a place within a line. */
function addedAt(place: vscode.Position, text: string): vscode.DecorationOptions {
  const after = {
    contentText: text.replaceAll(" ", NO_BREAK_SPACE),
    color: new vscode.ThemeColor("editor.foreground"),
    backgroundColor: new vscode.ThemeColor("diffEditor.insertedTextBackground"),
  };
  return { range: new vscode.Range(place, place), renderOptions: { after } };
}

export class EditDisplay {
  private readonly removed = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("diffEditor.removedTextBackground"),
  });
  private readonly added = vscode.window.createTextEditorDecorationType({});
  private readonly hint = vscode.window.createTextEditorDecorationType({
    after: {
      margin: "0 0 0 2em",
      color: new vscode.ThemeColor("editorCodeLens.foreground"),
      border: "1px solid",
      borderColor: new vscode.ThemeColor("editorWidget.border"),
    },
  });

  /** Shows the edit itself. */
  show(editor: vscode.TextEditor, offer: Offer): void {
    const { document } = editor;
    const inLine = offer.hunks.every(
      ({ range, newText }) => range.isSingleLine && !/[\r\n]/.test(newText),
    );
    if (inLine) {
      const gone = offer.hunks.map(({ range }) => range).filter((range) => !range.isEmpty);
      const come = offer.hunks.filter(({ newText }) => newText);
      editor.setDecorations(this.removed, gone);
      editor.setDecorations(
        this.added,
        come.map(({ range, newText }) => addedAt(range.end, untabbed(newText, tabSizeOf(editor)))),
      );
      return;
    }
    const { line, removed, added } = lineChange(document, offer);
    const lines = Array.from(
      { length: removed },
      (_, index) => document.lineAt(line + index).range,
    );
    const last = removed ? line + removed - 1 : line - 1;
    editor.setDecorations(this.removed, lines);
    editor.setDecorations(this.added, added.length ? [boxBelow(editor, last, added)] : []);
  }

  /** Says at the end of the cursor's line where the edit is, or at its own end that the key makes it. */
  showHint(editor: vscode.TextEditor, offer: Offer, shown: boolean): void {
    const line = shown ? offer.range.start.line : editor.selection.active.line;
    const contentText = shown ? "Tab" : `→ Edit ${placeOf(offer, editor)} (Tab)`;
    const { end } = editor.document.lineAt(line).range;
    const hint = { range: new vscode.Range(end, end), renderOptions: { after: { contentText } } };
    editor.setDecorations(this.hint, [hint]);
  }

  clear(editor: vscode.TextEditor): void {
    for (const decoration of [this.removed, this.added, this.hint]) {
      editor.setDecorations(decoration, []);
    }
  }

  dispose(): void {
    this.removed.dispose();
    this.added.dispose();
    this.hint.dispose();
  }
}
