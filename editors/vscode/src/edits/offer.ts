/** An edit that is offered: where, what, and how much of it can be seen from the cursor. */

import * as vscode from "vscode";
import type { Command } from "vscode-languageclient";
import type { LanguageClient } from "vscode-languageclient/node";
import type { Hunk } from "../display/change";
import type { InlineEdit } from "./protocol";

const NEAR_LINES = 2;
const SHOWN_LINES = 3;

/** uri, version: of the document that it changes. ghostText: the same edit where inline completion can show it. accepted: what
 * the server is to run when it was made. asked: where the cursor was when it was asked for. wanted: whether the user did. */
export interface Offer extends Hunk {
  id: string;
  uri: string;
  version: number;
  hunks: Hunk[];
  position: vscode.Position;
  ghostText?: Hunk;
  accepted: Command;
  asked: { document: vscode.TextDocument; position: vscode.Position };
  wanted?: boolean;
}

/** The offer that an answer holds. */
export function offerOf(
  edit: InlineEdit,
  { protocol2CodeConverter: theirs }: LanguageClient,
  asked: Offer["asked"],
): Offer {
  const hunk = ({ range, newText }: Pick<InlineEdit, "range" | "newText">): Hunk => ({
    range: theirs.asRange(range),
    newText,
  });
  return {
    ...hunk(edit),
    id: edit.id,
    uri: theirs.asUri(edit.textDocument.uri).toString(),
    version: edit.textDocument.version,
    hunks: edit.hunks.map(hunk),
    position: theirs.asPosition(edit.position),
    ghostText: edit.ghostText && {
      range: theirs.asRange(edit.ghostText.range),
      newText: edit.ghostText.insertText,
    },
    accepted: edit.command,
    asked,
  };
}

/** Whether an editor shows the document that is to be changed. */
export function isAbout(offer: Offer, { document }: vscode.TextEditor): boolean {
  return document.uri.toString() === offer.uri;
}

/** Whether the cursor is at the place of the edit. */
export function isNear(offer: Offer, editor: vscode.TextEditor): boolean {
  const { line } = editor.selection.active;
  const { start, end } = offer.range;
  return isAbout(offer, editor) && line >= start.line - NEAR_LINES && line <= end.line + NEAR_LINES;
}

/** Whether the edit changes so few lines that it is shown without a jump to it. */
export function isSmall({ range, newText }: Offer): boolean {
  const lines = Math.max(range.end.line - range.start.line, newText.split("\n").length - 1) + 1;
  return lines <= SHOWN_LINES;
}

/** Where the text that the edit puts in place ends. */
export function endOf({ range: { start }, newText }: Offer): vscode.Position {
  const lines = newText.split(/\r\n|\r|\n/);
  const last = lines.at(-1) ?? "";
  const before = lines.length > 1 ? 0 : start.character;
  return new vscode.Position(start.line + lines.length - 1, before + last.length);
}
