/** Edit suggestions: what follows from the last change, one at a time; a key jumps there, and then makes it. */

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { apply, REFUSED } from "../display/change";
import { LEFT_ALONE, NOT_RUNNING } from "../protocol";
import { setContext } from "../setContext";
import { EditDisplay } from "./display";
import { registerNativeEdits } from "./native";
import { endOf, isAbout, isNear, isSmall, type Offer } from "./offer";
import { AUTOMATIC, EDIT_REJECTED, INVOKED, type TriggerKind } from "./protocol";
import { report, requestEdit } from "./request";
import { Trigger } from "./trigger";

const MESSAGE_MS = 5_000;
/** What VS Code runs when the user has made an edit that VS Code itself has shown, as ghost text or natively. */
const TAKEN = "dgemma.editTaken";

export class EditSuggestions {
  private offer: Offer | undefined;
  /** Whether the key has gone to where the edit is. */
  private visited = false;
  /** Whether what follows from an edit is still looked for: the key waits for it, and is no tab meanwhile. */
  private following = false;
  private made: { document: vscode.TextDocument; version: number } | undefined;
  private asking = new vscode.CancellationTokenSource();
  private readonly display = new EditDisplay();
  private readonly trigger: Trigger;
  private readonly subscriptions: vscode.Disposable[];

  /** What the commands `dgemma.edits.…` do. */
  readonly commands: Record<string, () => unknown> = {
    suggest: () => this.suggest(),
    accept: () => this.goOrAccept(),
    dismiss: () => this.dismiss(),
    toggle: () => {
      const settings = vscode.workspace.getConfiguration("dgemma.edits");
      const automatic = !settings.get<boolean>("automatic", true);
      return settings.update("automatic", automatic, vscode.ConfigurationTarget.Global);
    },
  };

  /** client: the language server's, while there is one. isPaused: whether nothing is to be suggested unasked.
   * native: whether VS Code itself displays edits. */
  constructor(
    private readonly selector: vscode.DocumentSelector,
    private readonly client: () => LanguageClient | undefined,
    private readonly isPaused: () => boolean,
    private readonly native: boolean,
  ) {
    this.trigger = new Trigger(
      selector,
      () => this.hide(),
      (editor) => this.follow(editor),
    );
    this.subscriptions = [
      this.trigger,
      this.display,
      vscode.commands.registerCommand(TAKEN, (offer: Offer) => this.accepted(offer)),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.followCursor(editor)),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === vscode.window.activeTextEditor) {
          this.followCursor(textEditor);
        }
      }),
    ];
    if (native) {
      const offered = () => this.offer;
      this.subscriptions.push(
        registerNativeEdits(selector, offered, TAKEN, (offer) => this.dismiss(offer)),
      );
    }
  }

  /** The edit that inline completion is to show in place of a suggestion, where there is one. */
  ghostText(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): vscode.InlineCompletionItem[] | undefined {
    const { offer } = this;
    if (offer && this.native) {
      return [];
    }
    if (!offer?.ghostText || !isAskedAt(offer, document, position)) {
      return undefined;
    }
    const { range, newText } = offer.ghostText;
    const command = { title: offer.accepted.title, command: TAKEN, arguments: [offer] };
    return [new vscode.InlineCompletionItem(newText, range, command)];
  }

  /** Whether an edit was made last, and what follows from it comes before any other suggestion. */
  isFollowing(document: vscode.TextDocument): boolean {
    return this.made?.document === document && this.made.version === document.version;
  }

  /** Gives way to a suggestion at the cursor: one key does one thing at a time. */
  giveWay(): void {
    this.trigger.cancel();
    this.hide();
  }

  private follow(editor: vscode.TextEditor): void {
    const settings = vscode.workspace.getConfiguration("dgemma.edits", editor.document);
    if (settings.get<boolean>("automatic", true) && !this.isPaused()) {
      void this.ask(editor, AUTOMATIC, false);
    }
  }

  private async suggest(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor) {
      await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
      const reason = await this.ask(editor, INVOKED, true);
      if (reason) {
        vscode.window.setStatusBarMessage(`dgemma: no edit to suggest: ${reason}`, MESSAGE_MS);
      }
    }
  }

  /** Asks and shows the answer; returns in words why there is none. wanted: whether the key is of no other use now. */
  private async ask(
    editor: vscode.TextEditor,
    kind: TriggerKind,
    wanted: boolean,
  ): Promise<string | undefined> {
    this.trigger.cancel();
    this.hide();
    const client = this.client();
    if (!client?.isRunning()) {
      return NOT_RUNNING;
    }
    if (!vscode.languages.match(this.selector, editor.document)) {
      return LEFT_ALONE;
    }
    this.asking = new vscode.CancellationTokenSource();
    const answer = await requestEdit(client, editor, kind, this.asking.token);
    if (typeof answer === "string" || !answer) {
      return answer;
    }
    const asked = isAskedAt(answer, editor.document, editor.selection.active);
    this.offer = { ...answer, wanted, ghostText: asked ? answer.ghostText : undefined };
    this.draw();
    if (this.native || this.offer.ghostText) {
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    }
    return undefined;
  }

  private async goOrAccept(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (this.offer && editor) {
      await (this.shows(this.offer, editor)
        ? this.accept(this.offer, editor)
        : this.go(this.offer));
    }
  }

  private async go(offer: Offer): Promise<void> {
    const selection = new vscode.Range(offer.position, offer.position);
    await vscode.window.showTextDocument(vscode.Uri.parse(offer.uri), { selection });
    this.offer = offer; // On the way there it may have gone.
    this.visited = true;
    this.draw();
  }

  private async accept(offer: Offer, editor: vscode.TextEditor): Promise<void> {
    this.hide();
    const fits = isAbout(offer, editor) && editor.document.version === offer.version;
    if (!fits || !(await apply(editor, [offer]))) {
      const reason = fits ? REFUSED : "the document has changed since";
      vscode.window.setStatusBarMessage(`dgemma: no edit was made: ${reason}`, MESSAGE_MS);
      return;
    }
    const end = endOf(offer);
    editor.selection = new vscode.Selection(end, end);
    this.following = true;
    this.draw();
    try {
      await this.accepted(offer);
    } finally {
      this.following = false;
      this.draw();
    }
  }

  /** Tells the server, and asks at once for what follows. */
  private async accepted({ accepted }: Offer): Promise<void> {
    this.trigger.cancel();
    const editor = vscode.window.activeTextEditor;
    this.made = editor && { document: editor.document, version: editor.document.version };
    await report(this.client(), accepted.command, accepted.arguments);
    if (editor && editor === vscode.window.activeTextEditor) {
      await this.ask(editor, AUTOMATIC, true);
    }
  }

  private async dismiss(offer = this.offer): Promise<void> {
    this.hide();
    if (offer) {
      await report(this.client(), EDIT_REJECTED, [offer.id]);
    }
  }

  /** Shows nothing any more once the cursor is neither where the edit is nor where it was asked for. */
  private followCursor(editor: vscode.TextEditor | undefined): void {
    const { offer } = this;
    if (!offer || this.native) {
      return;
    }
    const asking =
      !this.visited && editor && isAskedAt(offer, editor.document, editor.selection.active);
    if (editor && (asking || isNear(offer, editor))) {
      this.draw();
    } else {
      this.hide();
    }
  }

  private hide(): void {
    this.asking.cancel();
    if (this.offer) {
      this.offer = undefined;
      this.visited = false;
      this.draw();
    }
  }

  /** Whether an editor shows the edit itself, and not only where it is. */
  private shows(offer: Offer, editor: vscode.TextEditor): boolean {
    return isNear(offer, editor) && (this.visited || isSmall(offer));
  }

  private draw(): void {
    const active = vscode.window.activeTextEditor;
    const { offer } = this;
    const ours = offer && !this.native && !offer.ghostText;
    const indents = active && !offer?.wanted && !this.visited && isIndenting(active);
    const drawn = ours && active && !indents ? offer : undefined;
    setContext("dgemma.hasEdit", drawn !== undefined || this.following);
    for (const editor of vscode.window.visibleTextEditors) {
      this.display.clear(editor);
      if (drawn && isAbout(drawn, editor) && (this.visited || isSmall(drawn))) {
        this.display.show(editor, drawn);
      }
      if (drawn && editor === active) {
        this.display.showHint(editor, drawn, this.shows(drawn, editor));
      }
    }
  }

  dispose(): void {
    this.asking.cancel();
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }
}

/** Whether an edit was asked for in this line. */
function isAskedAt({ asked }: Offer, document: vscode.TextDocument, at: vscode.Position): boolean {
  return asked.document === document && asked.position.line === at.line;
}

/** Whether the cursor is where the key indents a line. */
function isIndenting({ document, selection: { active } }: vscode.TextEditor): boolean {
  return document.lineAt(active.line).text.slice(0, active.character).trim() === "";
}
