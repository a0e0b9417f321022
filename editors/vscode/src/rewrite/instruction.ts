/** Asking the user for an instruction; earlier ones are offered again. */

import * as vscode from "vscode";

const KEY = "instructions";
const KEPT = 30;
const EXAMPLE = "For example: use early returns";

/** What is typed, then the earlier instructions that contain it. VS Code hides none of them by itself, since of those left
 * it would choose one before the list has caught up with what is typed. */
function entries(typed: string, history: readonly string[]): vscode.QuickPickItem[] {
  const [sparkle, clock] = ["sparkle", "history"].map((name) => new vscode.ThemeIcon(name));
  return [
    { label: typed || EXAMPLE, alwaysShow: true, iconPath: sparkle },
    ...history
      .filter((label) => label.toLowerCase().includes(typed.toLowerCase()))
      .map((label) => ({ label, alwaysShow: true, iconPath: clock })),
  ];
}

/** The user's instruction, remembered for the next time; undefined where there is none. */
export async function askInstruction(memory: vscode.Memento): Promise<string | undefined> {
  const history = memory.get<string[]>(KEY, []);
  const input = vscode.window.createQuickPick();
  input.title = "Rewrite the selection";
  input.placeholder = "What shall become of it?";
  input.items = entries("", history);
  input.onDidChangeValue((value) => {
    input.items = entries(value.trim(), history);
  });
  const instruction = await new Promise<string | undefined>((resolve) => {
    input.onDidAccept(() => {
      const [chosen] = input.activeItems;
      const earlier = chosen && input.items.indexOf(chosen) > 0;
      const text = earlier ? chosen.label : input.value.trim();
      if (text) {
        resolve(text);
      }
    });
    input.onDidHide(() => resolve(undefined));
    input.show();
  });
  input.dispose();
  if (instruction) {
    const others = history.filter((earlier) => earlier !== instruction);
    await memory.update(KEY, [instruction, ...others].slice(0, KEPT));
  }
  return instruction;
}
