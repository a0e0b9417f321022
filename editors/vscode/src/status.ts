/** The status bar item: how the engine fares, and why nothing is suggested. */

import * as vscode from "vscode";
import { NotificationType, RequestType0 } from "vscode-languageclient";

/** What is read of `dgemma/status`. progress: of loading, 0 to 1. lastSilence: in words, why the last request
 * got no suggestion; lastSilenceReason: the same for programs. */
export interface Status {
  state: "starting" | "loading" | "ready" | "busy" | "paused" | "failed";
  message: string;
  checkpoint?: string;
  progress?: number | null;
  lastSilence?: string | null;
  lastSilenceReason?: string | null;
}

export const statusRequest = new RequestType0<Status, void>("dgemma/status");
export const statusChanged = new NotificationType<Status>("dgemma/status");

const ICONS: Record<Status["state"], string> = {
  starting: "loading~spin",
  loading: "loading~spin",
  ready: "sparkle",
  busy: "sparkle-filled",
  paused: "debug-pause",
  failed: "warning",
};

/** Reasons that say that the answer is still to come: telling them would only make the status bar flicker. */
const PASSING = new Set(["thinking", "cancelled", "superseded"]);

export class StatusItem {
  private status: Status = { state: "starting", message: "starting the language server" };
  private silence = "";
  private paused: string | undefined;
  private readonly item = vscode.window.createStatusBarItem(
    "dgemma.status",
    vscode.StatusBarAlignment.Right,
  );

  constructor() {
    this.item.name = "dgemma";
    this.item.command = "dgemma.menu";
    this.draw();
    this.item.show();
  }

  /** Shows how the engine fares. */
  show(status: Status): void {
    this.status = status;
    if (!PASSING.has(status.lastSilenceReason ?? "")) {
      this.silence = status.lastSilence ?? "";
    }
    this.draw();
  }

  /** Shows in words what the user has paused; undefined: nothing. */
  showPause(reason: string | undefined): void {
    this.paused = reason;
    this.draw();
  }

  /** How the engine fares, in a line. */
  describe(): string {
    return `dgemma: ${this.status.state}, ${this.status.message}`;
  }

  /** In words why nothing is suggested; empty where something was. */
  reason(): string {
    return this.paused ?? this.silence;
  }

  private draw(): void {
    const { state, progress } = this.status;
    const running = state === "ready" || state === "busy";
    const icon = this.paused && running ? "debug-pause" : ICONS[state];
    const percent = typeof progress === "number" ? ` ${Math.floor(100 * progress)}%` : "";
    const words = running ? this.reason() : "";
    this.item.text = `$(${icon}) dgemma${percent}${words && `: ${words}`}`;
    this.item.tooltip = this.tooltip();
    this.item.backgroundColor =
      state === "failed" ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    this.item.accessibilityInformation = {
      label: [this.describe(), words].filter(Boolean).join("; "),
    };
  }

  private tooltip(): vscode.MarkdownString {
    const { state, message, checkpoint } = this.status;
    const text = new vscode.MarkdownString();
    text.appendMarkdown(`**dgemma** is ${state}\n\n`).appendText(message);
    if (checkpoint) {
      text.appendMarkdown("\n\nCheckpoint: ").appendText(checkpoint);
    }
    if (this.paused) {
      text.appendMarkdown("\n\nSuggestions are ").appendText(this.paused);
    } else if (this.silence) {
      text.appendMarkdown("\n\nNo suggestion last time: ").appendText(this.silence);
    }
    return text.appendMarkdown("\n\nClick for what can be done");
  }

  dispose(): void {
    this.item.dispose();
  }
}
