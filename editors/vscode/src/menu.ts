/** What a click on the status bar item offers. */

import * as vscode from "vscode";
import { isOn } from "./languages";

type Entry = vscode.QuickPickItem & { command?: string; args?: unknown[] };

function separator(label: string): Entry {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

/** language: of the active editor. paused: whether there is a pause to end. */
function entries(language: string | undefined, paused: boolean): Entry[] {
  const pause: Entry = paused
    ? { label: "$(play) Resume Suggestions", command: "dgemma.resume" }
    : { label: "$(clock) Pause for 10 Minutes", command: "dgemma.pause" };
  const toggle: Entry[] = language
    ? [
        {
          label: `$(circle-slash) Turn ${isOn(language) ? "Off" : "On"} for ${language}`,
          description: "in your settings",
          command: "dgemma.toggleLanguage",
        },
      ]
    : [];
  return [
    { label: "$(sparkle) Suggest Now", command: "dgemma.suggest" },
    { label: "$(edit) Rewrite Selection", command: "dgemma.rewrite" },
    { label: "$(arrow-right) Suggest an Edit", command: "dgemma.edits.suggest" },
    pause,
    ...toggle,
    {
      label: "$(gear) Settings",
      command: "workbench.action.openSettings",
      args: ["@ext:dgemma-lsp.dgemma"],
    },
    { label: "$(book) Get Started", command: "dgemma.getStarted" },
    separator("if something is wrong"),
    { label: "$(output) Show Log", command: "dgemma.showLog" },
    { label: "$(output) Show Log of the Engine Host", command: "dgemma.showHostLog" },
    { label: "$(debug-restart) Restart Language Server", command: "dgemma.restartServer" },
    { label: "$(server-process) Restart Engine Host", command: "dgemma.restartHost" },
    { label: "$(cloud-download) Install Language Server", command: "dgemma.installServer" },
  ];
}

/** Shows the menu and does what is chosen. title: how the engine fares. reason: why nothing is suggested. */
export async function showMenu(
  title: string,
  reason: string,
  language: string | undefined,
  paused: boolean,
): Promise<void> {
  const chosen = await vscode.window.showQuickPick(entries(language, paused), {
    title,
    placeHolder: reason,
  });
  if (chosen?.command) {
    await vscode.commands.executeCommand(chosen.command, ...(chosen.args ?? []));
  }
}
