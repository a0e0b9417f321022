/** Starts the language server where the workspace is, and offers its commands. */

import { delimiter, dirname } from "node:path";
import * as vscode from "vscode";
import { LanguageClient } from "vscode-languageclient/node";
import { CursorReporter } from "./cursor";
import { isNativeAllowed } from "./edits/native";
import { EditSuggestions } from "./edits/suggestions";
import { HostLog } from "./hostLog";
import { toggle } from "./languages";
import { showMenu } from "./menu";
import { Pause } from "./pause";
import { Rewriter } from "./rewrite/rewriter";
import { Environments } from "./server/environments";
import { install } from "./server/install";
import { findProgram, output } from "./server/program";
import { StatusItem, statusChanged, statusRequest } from "./status";

const PAUSE_MINUTES = 10;
const WALKTHROUGH = "dgemma-lsp.dgemma#start";
const INSTALL = "Install…";
const UPDATE = "Update…";
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

  const language = () => vscode.window.activeTextEditor?.document.languageId;

  function clientFor(command: string): LanguageClient {
    const server = { command, args: ["--stdio"] };
    return new LanguageClient("dgemma", "dgemma", server, {
      documentSelector: SELECTOR,
      initializationOptions: { statusNotifications: true },
      outputChannel: log,
      middleware: {
        async provideInlineCompletionItems(document, position, context, token, next) {
          const edit = edits.ghostText(document, position);
          if (edit) {
            return edit;
          }
          const automatic = context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic;
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
    });
  }

  async function start(): Promise<void> {
    item.show({ state: "starting", message: "starting the language server" });
    const program = await findProgram(environments);
    if (!program) {
      item.show({ state: "failed", message: "the language server is not installed" });
      void offer("dgemma's language server is not installed yet.", INSTALL);
      return;
    }
    log.info(`Starting ${program}`);
    // Behind all else, so that only what no other folder has is found there.
    context.environmentVariableCollection.append("PATH", delimiter + dirname(program));
    client = clientFor(program);
    client.onNotification(statusChanged, (status) => item.show(status));
    try {
      await client.start();
      cursor.begin();
      item.show(await client.sendRequest(statusRequest));
    } catch (error) {
      item.show({ state: "failed", message: `the language server does not run: ${error}` });
    }
    if (await environments.isOutdated(program)) {
      void offer("dgemma's language server is of another version than the extension.", UPDATE);
    }
  }

  async function restart(): Promise<void> {
    const running = client;
    client = undefined;
    await running?.dispose().catch((error) => log.warn(`It did not stop well: ${error}`));
    await start();
  }

  async function offer(message: string, action: string): Promise<void> {
    if ((await vscode.window.showInformationMessage(message, action)) === action) {
      await installServer();
    }
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
      void vscode.window.showWarningMessage(`The engine host did not stop: ${error}`);
    }
    await restart();
  }

  async function showHostLog(): Promise<void> {
    try {
      await hostLog.show(await output(environments, ["host", "log"]));
    } catch (error) {
      void vscode.window.showErrorMessage(`There is no log of the engine host: ${error}`);
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
  await client?.dispose();
}
