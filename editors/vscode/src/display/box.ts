/** Boxes: pictures that float over the code, which stays as it is underneath. */

import * as vscode from "vscode";
import { addedBackground, colorOf } from "./colors";
import { picture, type Row, untabbed } from "./picture";

// Decorations have no property for their place; this one is passed on to the page as it is.
const FLOATING =
  "none; position: absolute; left: -1px; z-index: 1; line-height: 0; pointer-events: none";

function attachment(document: vscode.TextDocument, rows: readonly Row[], place: string) {
  return {
    contentIconPath: picture(document, rows),
    backgroundColor: new vscode.ThemeColor("editor.background"),
    border: "1px solid",
    borderColor: new vscode.ThemeColor("editorWidget.border"),
    textDecoration: `${FLOATING}; ${place}`,
  };
}

/** A box over the code from a line on. */
export function boxOver(
  document: vscode.TextDocument,
  line: number,
  rows: readonly Row[],
): vscode.DecorationOptions {
  const start = new vscode.Position(line, 0);
  return {
    range: new vscode.Range(start, start),
    renderOptions: { before: attachment(document, rows, "top: -1px") },
  };
}

/** A box with lines that are added, below a line. */
export function boxBelow(
  document: vscode.TextDocument,
  line: number,
  added: readonly string[],
  tabSize: number,
): vscode.DecorationOptions {
  const rows = added.map((text) => ({
    pieces: [{ text: untabbed(text, tabSize), color: colorOf(0) }],
    background: addedBackground(),
  }));
  const { end } = document.lineAt(line).range;
  return {
    range: new vscode.Range(end, end),
    renderOptions: { after: attachment(document, rows, "top: 100%") },
  };
}
