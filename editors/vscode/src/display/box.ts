/** Boxes: pictures that float over the code, which stays as it is underneath. */

import * as vscode from "vscode";
import { addedBackground, colorOf } from "./colors";
import { columns, picture, type Row, tabSizeOf, untabbed } from "./picture";

// Decorations have no property for their place; this one is passed on to the page as it is.
const FLOATING =
  "none; position: absolute; left: -1px; z-index: 1; line-height: 0; pointer-events: none";

const WIDEST_COLUMNS = 200;

/** A box of rows over the lines from `first` on, so wide that it covers them. */
function attachment(editor: vscode.TextEditor, first: number, rows: readonly Row[], place: string) {
  const { document } = editor;
  const covered = rows.map((_, index) => {
    const line = Math.min(first + index, document.lineCount - 1);
    return columns(untabbed(document.lineAt(line).text, tabSizeOf(editor)));
  });
  return {
    contentIconPath: picture(document, rows, Math.min(Math.max(...covered), WIDEST_COLUMNS)),
    backgroundColor: new vscode.ThemeColor("editor.background"),
    border: "1px solid",
    borderColor: new vscode.ThemeColor("editorWidget.border"),
    textDecoration: `${FLOATING}; ${place}`,
  };
}

/** A box over the code from a line on. */
export function boxOver(
  editor: vscode.TextEditor,
  line: number,
  rows: readonly Row[],
): vscode.DecorationOptions {
  const start = new vscode.Position(line, 0);
  return {
    range: new vscode.Range(start, start),
    renderOptions: { before: attachment(editor, line, rows, "top: -1px") },
  };
}

/** A box with lines that are added, below a line. */
export function boxBelow(
  editor: vscode.TextEditor,
  line: number,
  added: readonly string[],
): vscode.DecorationOptions {
  const rows = added.map((text) => ({
    pieces: [{ text: untabbed(text, tabSizeOf(editor)), color: colorOf(0) }],
    background: addedBackground(),
  }));
  const { end } = editor.document.lineAt(line).range;
  return {
    range: new vscode.Range(end, end),
    renderOptions: { after: attachment(editor, line + 1, rows, "top: 100%") },
  };
}
