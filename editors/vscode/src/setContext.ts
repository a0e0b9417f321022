/** What the keys of `package.json` depend on. */

import * as vscode from "vscode";

export function setContext(key: string, value: boolean): void {
  void vscode.commands.executeCommand("setContext", key, value);
}
