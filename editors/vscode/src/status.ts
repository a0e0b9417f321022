/** The status bar item: how the engine fares. */

import * as vscode from "vscode";
import { NotificationType, RequestType0 } from "vscode-languageclient";

/** What the server says in `dgemma/status`. progress: of loading, 0 to 1. */
export interface Status {
  state: "starting" | "downloading" | "loading" | "ready" | "busy" | "paused" | "failed";
  message: string;
  checkpoint?: string;
  progress?: number | null;
  lastSilence?: string | null;
}

export const statusRequest = new RequestType0<Status, void>("dgemma/status");
export const statusChanged = new NotificationType<Status>("dgemma/status");

const ICONS: Record<Status["state"], string> = {
  starting: "loading~spin",
  downloading: "cloud-download",
  loading: "loading~spin",
  ready: "sparkle",
  busy: "sparkle-filled",
  paused: "debug-pause",
  failed: "warning",
};

const COMMANDS = {
  "dgemma.restartServer": "Restart server",
  "dgemma.restartHost": "Restart engine host",
  "dgemma.showLog": "Show log",
};

export class StatusItem {
  private readonly item = vscode.window.createStatusBarItem(
    "dgemma.status",
    vscode.StatusBarAlignment.Right,
  );

  constructor() {
    this.item.name = "dgemma";
    this.item.command = "dgemma.showLog";
    this.item.show();
  }

  show(status: Status): void {
    const percent =
      typeof status.progress === "number" ? ` ${Math.floor(100 * status.progress)}%` : "";
    this.item.text = `$(${ICONS[status.state]}) dgemma${percent}`;
    this.item.tooltip = describe(status);
    this.item.backgroundColor =
      status.state === "failed"
        ? new vscode.ThemeColor("statusBarItem.warningBackground")
        : undefined;
    this.item.accessibilityInformation = { label: `dgemma: ${status.state}, ${status.message}` };
  }

  dispose(): void {
    this.item.dispose();
  }
}

function describe(status: Status): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.isTrusted = { enabledCommands: Object.keys(COMMANDS) };
  text.appendMarkdown(`**dgemma** is ${status.state}\n\n`).appendText(status.message);
  if (status.checkpoint) {
    text.appendMarkdown("\n\nCheckpoint: ").appendText(status.checkpoint);
  }
  if (status.lastSilence) {
    text.appendMarkdown("\n\nNo suggestion last time: ").appendText(status.lastSilence);
  }
  const links = Object.entries(COMMANDS).map(([name, title]) => `[${title}](command:${name})`);
  return text.appendMarkdown(`\n\n${links.join(" · ")}`);
}
