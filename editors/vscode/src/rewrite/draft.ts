/** A draft over the selection that it may come to replace, each piece in the colour of its entropy. */

import * as vscode from "vscode";
import { boxOver } from "../display/box";
import { colorOf } from "../display/colors";
import { type Row, tabSizeOf, untabbed } from "../display/picture";
import type { Draft } from "./protocol";

const LINE_END = /\r\n|\r|\n/;

/** Rows of pieces; their tabs are those of whole lines. */
function rowsOf(draft: Draft, tabSize: number): Row[] {
  const rows: Row[] = [{ pieces: [] }];
  let line = "";
  for (const [text, entropy] of draft) {
    for (const [index, part] of text.split(LINE_END).entries()) {
      if (index > 0) {
        rows.push({ pieces: [] });
        line = "";
      }
      const shown = untabbed(line + part, tabSize).slice(untabbed(line, tabSize).length);
      line += part;
      rows.at(-1)?.pieces.push({ text: shown, color: colorOf(entropy) });
    }
  }
  return rows;
}

export class DraftDisplay {
  private readonly decoration = vscode.window.createTextEditorDecorationType({});

  show(editor: vscode.TextEditor, { start, end, isEmpty }: vscode.Range, draft: Draft): void {
    const { document } = editor;
    const line = document.lineAt(start.line);
    // Without a selection the draft is of the whole statement.
    const from = isEmpty ? line.firstNonWhitespaceCharacterIndex : start.character;
    const before = line.text.slice(0, from);
    const after = isEmpty ? "" : document.lineAt(end.line).text.slice(end.character);
    const rows = rowsOf([[before, 0], ...draft, [after, 0]], tabSizeOf(editor));
    // A selection that ends before a line leaves that line alone.
    const whole = end.character === 0 && end.line > start.line;
    const shown = whole ? rows.slice(0, -1) : rows;
    const lines = end.line - start.line + (whole ? 0 : 1);
    while (shown.length < lines) {
      shown.push({ pieces: [] });
    }
    editor.setDecorations(this.decoration, [boxOver(editor, start.line, shown)]);
  }

  dispose(): void {
    this.decoration.dispose();
  }
}
