/** Starts the language server where the workspace is, and offers its commands. */

import { delimiter, dirname } from "node:path";
import * as vscode from "vscode";
import { type LanguageClient, type LanguageClientOptions, State } from "vscode-languageclient/node";
import { AskAgain } from "./askAgain";
import { CursorReporter } from "./cursor";
import { isNativeAllowed } from "./edits/native";
import { EditSuggestions } from "./edits/suggestions";
import { HostLog } from "./hostLog";
import { toggle } from "./languages";
import { showMenu } from "./menu";
import { Pause } from "./pause";
import { NOT_RUNNING } from "./protocol";
import { Rewriter } from "./rewrite/rewriter";
import { Client } from "./server/client";
import { Environments } from "./server/environments";
import { install } from "./server/install";
import { findProgram, namedProgram, output } from "./server/program";
import { type Status, StatusItem, statusChanged, statusRequest } from "./status";
import { warn } from "./warn";

const AUTOMATIC = vscode.InlineCompletionTriggerKind.Automatic;
const PAUSE_MINUTES = 10;
const WALKTHROUGH = "dgemma-lsp.dgemma#start";
const STARTING: Status = { state: "starting", message: "starting the language server" };
const STOPPED: Status = { state: "failed", message: NOT_RUNNING };
const SELECTOR = ["file", "untitled", "vscode-notebook-cell"].map((scheme) => ({ scheme }));

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("dgemma", { log: true });
  const item = new StatusItem();
  const pause = new Pause();
  const hostLog = new HostLog();
  const environments = new Environments(context);
  const running = () => client;
  const rewriter = new Rewriter(SELECTOR, running, context.globalState);
  const isPaused = () => pause.describe() !== undefined;
  const edits = new EditSuggestions(
    SELECTOR,
    running,
    isPaused,
    isNativeAllowed(context.extension),
  );
  const cursor = new CursorReporter(SELECTOR, running, isPaused);
  context.subscriptions.push(log, item, pause, hostLog, rewriter, edits, cursor);

  const askAgain = new AskAgain();
  let told = "";

  const language = () => vscode.window.activeTextEditor?.document.languageId;

  function clientFor(program: string): LanguageClient {
    const options = {
      documentSelector: SELECTOR,
      initializationOptions: { statusNotifications: true },
      outputChannel: log,
      middleware: {
        async provideInlineCompletionItems(document, position, asked, token, next) {
          const context = askAgain.contextOf(asked);
          const edit = edits.ghostText(document, position);
          if (edit) {
            return edit;
          }
          const automatic = context.triggerKind === AUTOMATIC;
          if (automatic && (pause.describe() || edits.isFollowing(document))) {
            return [];
          }
          const items = await next(document, position, context, token);
          if (items && (Array.isArray(items) ? items : items.items).length) {
            edits.giveWay();
          }
          return items;
        },
      },
    } satisfies LanguageClientOptions;
    const made = new Client(program, options, () =>
      warn("the language server ends again and again, so it is not started any more", ofServer),
    );
    made.onNotification(statusChanged, showStatus);
    made.onDidChangeState(({ newState }) => {
      if (made !== client) {
        return; // It was ended by us.
      }
      if (newState === State.Running) {
        cursor.begin();
        // That it has ended is shown anyway.
        made.sendRequest(statusRequest).then(showStatus, () => undefined);
      } else {
        item.show(newState === State.Starting ? STARTING : STOPPED);
      }
    });
    return made;
  }

  /** Shows how the engine fares; of a failure the user is told once. */
  function showStatus(status: Status): void {
    item.show(status);
    askAgain.hear(status);
    const { state, message } = status;
    if (state === "ready") {
      told = "";
    } else if (state === "failed" && message !== told) {
      told = message;
      void warn(message, { "Show Log": showHostLog, Restart: restartHost });
    }
  }

  async function start(): Promise<void> {
    item.show(STARTING);
    const program = await findProgram(environments);
    if (!program) {
      const named = namedProgram();
      const missing = named
        ? `there is no program ${named}, which the setting dgemma.server.path names`
        : "the language server is not installed";
      item.show({ state: "failed", message: missing });
      void warn(missing, named ? { Settings: openPath } : { "Install…": installServer });
      return;
    }
    log.info(`Starting ${program}`);
    // Behind all else, so that only what no other folder has is found there.
    context.environmentVariableCollection.append("PATH", delimiter + dirname(program));
    client = clientFor(program);
    try {
      await client.start();
    } catch {
      void warn("the language server could not be started", ofServer);
    }
    if (await environments.isOutdated(program)) {
      const message = "the language server is of another version than the extension";
      void warn(message, { "Update…": installServer });
    }
  }

  async function restart(): Promise<void> {
    const running = client;
    client = undefined;
    await running?.dispose().catch((error) => log.warn(`It did not stop well: ${error}`));
    await start();
  }

  async function installServer(): Promise<void> {
    if (await install(environments, log)) {
      await restart();
    }
  }

  async function restartHost(): Promise<void> {
    try {
      await output(environments, ["host", "stop"]);
    } catch (error) {
      void warn(`the engine host did not stop: ${(error as Error).message}`);
    }
    await restart();
  }

  async function showHostLog(): Promise<void> {
    try {
      await hostLog.show(await output(environments, ["host", "log"]));
    } catch (error) {
      void warn(`there is no log of the engine host: ${(error as Error).message}`);
    }
  }

  async function toggleLanguage(): Promise<void> {
    const active = language();
    if (active) {
      await toggle(active);
    }
  }

  const run = (command: string, ...args: unknown[]) =>
    vscode.commands.executeCommand(command, ...args);
  const openPath = () => run("workbench.action.openSettings", "dgemma.server.path");
  const ofServer = { "Show Log": () => log.show(), Restart: restart };
  const commands: Record<string, (...args: never[]) => unknown> = {
    suggest: () => run("editor.action.inlineSuggest.trigger"),
    pause: () => pause.start(PAUSE_MINUTES),
    resume: () => pause.stop(),
    toggleLanguage,
    menu: () => showMenu(item.describe(), item.reason(), language(), isPaused()),
    getStarted: () => run("workbench.action.openWalkthrough", WALKTHROUGH),
    showLog: () => log.show(),
    showHostLog,
    restartServer: restart,
    restartHost,
    installServer,
    rewrite: () => {
      edits.giveWay();
      return rewriter.ask();
    },
    ...prefixed("rewrite", rewriter.commands),
    ...prefixed("edits", edits.commands),
  };
  for (const [name, action] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`dgemma.${name}`, action));
  }
  context.subscriptions.push(
    pause.onDidChange(() => item.showPause(pause.describe())),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("dgemma.server.path")) {
        await restart();
      }
    }),
  );
  await start();
}

function prefixed<T>(prefix: string, named: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(named).map(([name, it]) => [`${prefix}.${name}`, it]));
}

export async function deactivate(): Promise<void> {
  const running = client;
  client = undefined;
  await running?.dispose();
}
