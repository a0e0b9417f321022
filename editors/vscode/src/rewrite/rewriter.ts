/** Rewrites, at most one a document: a selection is asked for, its draft is shown, its hunks are reviewed and applied. */

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { apply, type Hunk, REFUSED } from "../display/change";
import { isCancelled, isStale, LEFT_ALONE, NOT_RUNNING, reasonOf } from "../protocol";
import { setContext } from "../setContext";
import { warn } from "../warn";
import { Comparison, originalUri } from "./comparison";
import { DraftDisplay } from "./draft";
import { askInstruction } from "./instruction";
import { lensesOf } from "./lenses";
import { Preview } from "./preview";
import { type Asked, requestRewrite } from "./request";
import { acceptAll, currentHunk, decide, move, type Review, reviewOf } from "./review";

const STALE = "Not rewritten: the document has changed.";

/** What goes on in a document. review: undefined as long as it is rewritten. */
interface Rewrite {
  asked: Asked;
  source: vscode.CancellationTokenSource;
  draft: DraftDisplay;
  review?: Review;
}

export class Rewriter {
  private readonly rewrites = new Map<vscode.TextDocument, Rewrite>();
  private readonly preview = new Preview();
  private readonly comparison = new Comparison();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly noticed = new Set<string>();
  private readonly subscriptions: vscode.Disposable[];

  /** client: the language server's, while there is one. memory: where the user's instructions are kept. */
  constructor(
    private readonly selector: vscode.DocumentSelector,
    private readonly client: () => LanguageClient | undefined,
    private readonly memory: vscode.Memento,
  ) {
    this.subscriptions = [
      this.preview,
      this.comparison,
      this.changed,
      vscode.languages.registerCodeLensProvider(selector, {
        onDidChangeCodeLenses: this.changed.event,
        provideCodeLenses: (document) => {
          const review = this.rewrites.get(document)?.review;
          return review ? lensesOf(review) : [];
        },
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length && this.end(document)) {
          this.tell(STALE);
        }
      }),
      vscode.workspace.onDidCloseTextDocument((document) => this.end(document)),
      // On the way from one editor to another there is none for a moment.
      vscode.window.onDidChangeActiveTextEditor((editor) => editor && this.draw()),
    ];
  }

  /** What the commands `dgemma.rewrite.…` do. */
  readonly commands: Record<string, (hunk?: Hunk) => unknown> = {
    acceptAll: () => this.update(acceptAll),
    acceptHunk: (hunk) => this.update((review) => decide(review, true, hunk)),
    rejectHunk: (hunk) => this.update((review) => decide(review, false, hunk)),
    nextHunk: () => this.update((review) => move(review, 1)),
    previousHunk: () => this.update((review) => move(review, -1)),
    nextCandidate: () =>
      this.update(({ candidates, candidate }) => reviewOf(candidates, candidate + 1)),
    previousCandidate: () =>
      this.update(({ candidates, candidate }) => reviewOf(candidates, candidate - 1)),
    retry: () => this.retry(),
    compare: () => this.compare(),
    dismiss: () => this.dismiss(),
  };

  /** Asks for an instruction and rewrites the selection of the active editor. */
  async ask(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!editor) {
      this.tell("There is no editor with a selection to rewrite.");
      return;
    }
    const { document, selection: range } = editor;
    if (!vscode.languages.match(this.selector, document)) {
      this.tell(`Not rewritten: ${LEFT_ALONE}`);
      return;
    }
    const { version } = document;
    const instruction = await askInstruction(this.memory);
    if (instruction) {
      await this.rewrite({ document, version, range, instruction, seed: 0 });
    }
  }

  private async rewrite(asked: Asked): Promise<void> {
    const { document } = asked;
    this.end(document);
    const client = this.client();
    if (!client?.isRunning()) {
      const restart = () => vscode.commands.executeCommand("dgemma.restartServer");
      void warn(`Not rewritten: ${NOT_RUNNING}.`, { Restart: restart });
      return;
    }
    const source = new vscode.CancellationTokenSource();
    const rewrite: Rewrite = { asked, source, draft: new DraftDisplay() };
    this.rewrites.set(document, rewrite);
    this.draw();
    for (const editor of editorsOf(document)) {
      show(editor, asked.range.start); // Where its draft begins.
    }
    try {
      const answer = await requestRewrite(client, asked, source, (draft) => {
        for (const editor of this.rewrites.get(document) === rewrite ? editorsOf(document) : []) {
          rewrite.draft.show(editor, asked.range, draft);
        }
      });
      if (this.rewrites.get(document) !== rewrite) {
        return;
      }
      if (answer.notice && !this.noticed.has(answer.notice)) {
        this.noticed.add(answer.notice);
        this.tell(`Note: ${answer.notice}.`);
      }
      if (answer.candidates.length) {
        rewrite.draft.dispose();
        rewrite.review = reviewOf(answer.candidates);
        this.draw();
        this.reveal(rewrite.review, document);
        return;
      }
      this.tell(`Not rewritten: ${answer.rejection}`);
    } catch (error) {
      if (isStale(error)) {
        this.tell(STALE);
      } else if (!isCancelled(error)) {
        client.error("The rewrite failed", error);
        void warn(`Not rewritten: ${reasonOf(error)}. The selection is as it was.`, {
          "Try Again": () => this.rewrite(asked),
          "Show Log": () => client.outputChannel.show(),
        });
      }
    }
    if (this.rewrites.get(document) === rewrite) {
      this.end(document);
    }
  }

  private async retry(): Promise<void> {
    const asked = this.active()?.asked;
    if (asked) {
      await this.rewrite({ ...asked, seed: asked.seed + 1 });
    }
  }

  private async compare(): Promise<void> {
    const document = this.active()?.asked.document;
    if (document) {
      await this.comparison.open(document);
    }
  }

  private dismiss(): void {
    const document = this.active()?.asked.document;
    if (document) {
      this.end(document);
    }
  }

  /** Takes over a decision; once the last is made what was accepted is applied. */
  private async update(next: (review: Review) => Review): Promise<void> {
    const rewrite = this.active();
    if (!rewrite?.review) {
      return;
    }
    const review = next(rewrite.review);
    rewrite.review = review;
    const { document, version } = rewrite.asked;
    if (review.open.length) {
      this.draw();
      this.reveal(review, document);
      return;
    }
    this.end(document);
    if (review.accepted.length) {
      const editor = await vscode.window.showTextDocument(document);
      if (document.version !== version) {
        this.tell(STALE);
      } else if (!(await apply(editor, review.accepted))) {
        this.tell(`Not rewritten: ${REFUSED}`);
      }
    }
  }

  private active(): Rewrite | undefined {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const original = uri && originalUri(uri).toString();
    return [...this.rewrites.values()].find(
      ({ asked }) => asked.document.uri.toString() === original,
    );
  }

  /** Leaves a document as it is. Returns whether there was anything going on in it. */
  private end(document: vscode.TextDocument): boolean {
    const rewrite = this.rewrites.get(document);
    if (!rewrite) {
      return false;
    }
    this.rewrites.delete(document);
    rewrite.source.cancel();
    rewrite.source.dispose();
    rewrite.draft.dispose();
    this.comparison.close(document);
    this.draw();
    return true;
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const review = this.rewrites.get(editor.document)?.review;
      if (review) {
        this.preview.show(editor, review);
        this.comparison.update(editor.document, review);
      } else {
        this.preview.clear(editor);
      }
    }
    const active = this.active();
    setContext("dgemma.rewriting", active !== undefined && !active.review);
    setContext("dgemma.reviewing", active?.review !== undefined);
    this.changed.fire();
  }

  /** Puts the cursor to the hunk that is looked at. */
  private reveal(review: Review, document: vscode.TextDocument): void {
    const start = currentHunk(review)?.range.start;
    for (const editor of start ? editorsOf(document) : []) {
      const at = start as vscode.Position;
      editor.selection = new vscode.Selection(at, at);
      show(editor, at);
    }
  }

  private tell(message: string): void {
    void vscode.window.showInformationMessage(`dgemma: ${message}`);
  }

  dispose(): void {
    for (const document of [...this.rewrites.keys()]) {
      this.end(document);
    }
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }
}

/** Has a place on the screen. */
function show(editor: vscode.TextEditor, at: vscode.Position): void {
  const range = new vscode.Range(at, at);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

function editorsOf(document: vscode.TextDocument): vscode.TextEditor[] {
  return vscode.window.visibleTextEditors.filter((editor) => editor.document === document);
}
