/** Text as a picture, which is how a decoration shows several lines, or several colours in one. */

import * as vscode from "vscode";

export interface Piece {
  text: string;
  color: string;
}

/** background: of the whole row. */
export interface Row {
  pieces: Piece[];
  background?: string;
}

/** VS Code's own line height where the user has set none, as a part of the font size. */
const LINE_HEIGHT = 1.35;
const SMALLEST_LINE_HEIGHT = 8;
/** Parts of the font size: a character is at most this wide, and stands at most this far below its row's top. */
const CHARACTER_WIDTH = 0.65;
const MARGIN_COLUMNS = 4;
// What XML 1.0 has no way to write: control characters and halves of surrogate pairs.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNWRITABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Extended_Pictographic}/gu;

/** The font of an editor, as its user has set it. */
function fontOf(document: vscode.TextDocument): { family: string; size: number; line: number } {
  const settings = vscode.workspace.getConfiguration("editor", document);
  const size = settings.get<number>("fontSize", 14);
  const height = settings.get<number>("lineHeight", 0) || LINE_HEIGHT;
  return {
    family: settings.get<string>("fontFamily", "monospace"),
    size,
    line: Math.round(height < SMALLEST_LINE_HEIGHT ? height * size : height),
  };
}

function escaped(text: string): string {
  return text
    .replace(UNWRITABLE, "\ufffd")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/"/g, "&quot;");
}

/** How many columns a text takes that holds no tabs. */
export function columns(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
}

/** How far its editor shows a document's tabs apart. */
export function tabSizeOf(editor: vscode.TextEditor): number {
  return Number(editor.options.tabSize);
}

/** A line with its tabs as the blanks that they are shown as. */
export function untabbed(line: string, tabSize: number): string {
  let shown = "";
  for (const [index, part] of line.split("\t").entries()) {
    shown += index === 0 ? part : " ".repeat(tabSize - (shown.length % tabSize)) + part;
  }
  return shown;
}

/** A picture of rows of text in the font of the document's editor. least: how many columns it is wide at least. */
export function picture(
  document: vscode.TextDocument,
  rows: readonly Row[],
  least: number,
): vscode.Uri {
  const { family, size, line } = fontOf(document);
  const widest = Math.max(
    least,
    ...rows.map(({ pieces }) => pieces.reduce((sum, { text }) => sum + columns(text), 0)),
  );
  const width = Math.ceil((widest + MARGIN_COLUMNS) * size * CHARACTER_WIDTH);
  const drawn = rows.map(({ pieces, background }, index) => {
    const box = background
      ? `<rect y="${index * line}" width="${width}" height="${line}" fill="${background}"/>`
      : "";
    const spans = pieces.map(
      ({ text, color }) => `<tspan fill="${color}">${escaped(text)}</tspan>`,
    );
    // A row's middle is where the middle of its small letters stands, as in the editor.
    const y = index * line + line / 2;
    return `${box}<text y="${y}" dominant-baseline="central" xml:space="preserve">${spans.join("")}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${rows.length * line}" font-family="${escaped(family)}" font-size="${size}">${drawn.join("")}</svg>`;
  return vscode.Uri.parse(`data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`);
}
