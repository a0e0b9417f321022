/** A change in whole lines: which go, and which come below them. */

import type * as vscode from "vscode";

export interface Hunk {
  range: vscode.Range;
  newText: string;
}

/** line: before which it is made. removed: how many lines go, from there on. added: the lines that come. */
export interface LineChange {
  line: number;
  removed: number;
  added: string[];
}

/** Why a change that fits the document is not made. */
export const REFUSED = "the document cannot be changed, is it read-only?";

const LINE_END = /\r\n|\r|\n/;

/** What a hunk does to whole lines. Lines that stay as they are do not belong to it, as long as it has a line above. */
export function lineChange(document: vscode.TextDocument, { range, newText }: Hunk): LineChange {
  const { start, end } = range;
  const before = document.lineAt(start.line).text.slice(0, start.character);
  const after = document.lineAt(end.line).text.slice(end.character);
  const old: string[] = [];
  for (let line = start.line; line <= end.line; line++) {
    old.push(document.lineAt(line).text);
  }
  const added = (before + newText + after).split(LINE_END);
  let kept = 0;
  while (kept < Math.min(old.length, added.length) && old[kept] === added[kept]) {
    kept++;
  }
  let same = 0;
  while (
    same < Math.min(old.length, added.length) - kept &&
    old[old.length - 1 - same] === added[added.length - 1 - same] &&
    start.line + kept + old.length - same > 1 // Nothing can be shown above the first line.
  ) {
    same++;
  }
  return {
    line: start.line + kept,
    removed: old.length - kept - same,
    added: added.slice(kept, added.length - same),
  };
}

/** Makes changes of a document as one step that undo takes back. Returns whether they were made. */
export async function apply(editor: vscode.TextEditor, hunks: readonly Hunk[]): Promise<boolean> {
  const { version } = editor.document;
  const taken = await editor.edit(
    (edit) => {
      for (const { range, newText } of hunks) {
        edit.replace(range, newText);
      }
    },
    { undoStopBefore: true, undoStopAfter: true },
  );
  // VS Code takes an edit of a read-only document, too, and makes none.
  return taken && editor.document.version !== version;
}
