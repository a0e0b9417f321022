/** The setting `dgemma.languages`: whether there are suggestions while typing, by language. */

import * as vscode from "vscode";

type Languages = Record<string, boolean>;

const OTHERS = "*";

const settings = () => vscode.workspace.getConfiguration("dgemma");

export function isOn(language: string): boolean {
  const languages = settings().get<Languages>("languages", {});
  return languages[language] ?? languages[OTHERS] ?? true;
}

/** Turns a language on or off in the user's settings. */
export async function toggle(language: string): Promise<void> {
  const own = settings().inspect<Languages>("languages")?.globalValue;
  const changed = { ...own, [language]: !isOn(language) };
  await settings().update("languages", changed, vscode.ConfigurationTarget.Global);
}
