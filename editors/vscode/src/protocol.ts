/** What becomes of requests that the server does not answer. */

import { LSPErrorCodes, ResponseError } from "vscode-languageclient";

function hasCode(error: unknown, ...codes: number[]): boolean {
  return error instanceof ResponseError && codes.includes(error.code);
}

/** Whether a request was given up: by its client, or because a newer one or a change of the document took its place. */
export function isCancelled(error: unknown): boolean {
  return hasCode(error, LSPErrorCodes.RequestCancelled, LSPErrorCodes.ServerCancelled);
}

/** Whether a request was about another version of the document than the server has. */
export function isStale(error: unknown): boolean {
  return hasCode(error, LSPErrorCodes.ContentModified);
}
