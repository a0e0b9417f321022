/** Saying what is wrong. */

import * as vscode from "vscode";

/** Says what is wrong, and what can be done about it: one action by name is chosen at most. */
export async function warn(
  message: string,
  actions: Record<string, () => unknown> = {},
): Promise<void> {
  const names = Object.keys(actions);
  const chosen = await vscode.window.showWarningMessage(`dgemma: ${message}`, ...names);
  await actions[chosen ?? ""]?.();
}
