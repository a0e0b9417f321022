/** Asks once more for the suggestion that could not come while the model was being loaded. */

import * as vscode from "vscode";
import type { Status } from "./status";

const AUTOMATIC = vscode.InlineCompletionTriggerKind.Automatic;
const WITHIN_MS = 1_000;

export class AskAgain {
  private loading = false;
  /** Whether what VS Code asks for next is asked for by us, and by no user. */
  private pending = false;

  /** Hears how the engine fares, and asks once the model is loaded, if that took too long for the last request. */
  hear({ state, lastSilenceReason }: Status): void {
    if (state === "ready" && this.loading && lastSilenceReason === "took_too_long") {
      this.pending = true;
      setTimeout(() => {
        this.pending = false; // There was no editor to show it in.
      }, WITHIN_MS);
      void vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    }
    this.loading = state === "starting" || state === "loading";
  }

  /** What VS Code asks for: what we had it ask for came by itself. */
  contextOf(asked: vscode.InlineCompletionContext): vscode.InlineCompletionContext {
    const context = this.pending ? { ...asked, triggerKind: AUTOMATIC } : asked;
    this.pending = false;
    return context;
  }
}
