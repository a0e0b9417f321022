/** What becomes of requests that the server does not answer. */

import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageclient";

export const NOT_RUNNING = "the language server is not running";
export const LEFT_ALONE = "documents of this kind are left alone";

const OF_THE_CONNECTION = [
  ErrorCodes.ConnectionInactive,
  ErrorCodes.MessageReadError,
  ErrorCodes.MessageWriteError,
  ErrorCodes.PendingResponseRejected,
];

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

/** Why a request failed, in words for the user. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof ResponseError) || hasCode(error, ...OF_THE_CONNECTION)) {
    return "the language server has ended";
  }
  return hasCode(error, ErrorCodes.InternalError)
    ? "an error in dgemma-lsp; its log says more"
    : error.message;
}
