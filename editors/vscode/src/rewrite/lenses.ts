/** What can be done with a rewrite, above each of its hunks. */

import * as vscode from "vscode";
import { currentHunk, type Review } from "./review";

/** The lenses of a document: at the hunk that is looked at all that can be done, at the others whether to take them. */
export function lensesOf(review: Review): vscode.CodeLens[] {
  const { candidates, candidate, open } = review;
  return open.flatMap((hunk, index) => {
    const range = new vscode.Range(hunk.range.start, hunk.range.start);
    const lens = (title: string, name: string, ...args: unknown[]) =>
      new vscode.CodeLens(range, { title, command: `dgemma.rewrite.${name}`, arguments: args });
    if (hunk !== currentHunk(review)) {
      return [lens("$(check) Accept", "acceptHunk", hunk), lens("$(x) Reject", "rejectHunk", hunk)];
    }
    const place = lens(`${index + 1}/${open.length}`, "nextHunk");
    const other = lens(`Candidate ${candidate + 1}/${candidates.length} Alt+]`, "nextCandidate");
    return [
      ...(open.length > 1 ? [place, lens("$(check-all) All Ctrl+⏎", "acceptAll")] : []),
      lens("$(check) Accept Alt+⏎", "acceptHunk", hunk),
      lens("$(x) Reject Alt+⌫", "rejectHunk", hunk),
      ...(candidates.length > 1 ? [other] : []),
      lens("Retry Alt+\\", "retry"),
      lens("$(diff)", "compare"),
      lens("Dismiss", "dismiss"),
    ];
  });
}
