/** A time without suggestions while typing; one that is asked for comes all the same. */

import * as vscode from "vscode";

const MINUTE_MS = 60_000;

export class Pause {
  private end = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;

  start(minutes: number): void {
    this.end = Date.now() + minutes * MINUTE_MS;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.changed.fire(), minutes * MINUTE_MS);
    this.changed.fire();
  }

  stop(): void {
    this.end = 0;
    clearTimeout(this.timer);
    this.changed.fire();
  }

  /** In words until when; undefined where there is no pause. */
  describe(): string | undefined {
    if (Date.now() >= this.end) {
      return undefined;
    }
    return `paused until ${new Date(this.end).toLocaleTimeString([], { timeStyle: "short" })}`;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.changed.dispose();
  }
}
