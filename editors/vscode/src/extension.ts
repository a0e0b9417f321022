/** Starts the language server where the workspace is, and keeps what the user sees of it in step. */

import * as vscode from "vscode";
import { LanguageClient } from "vscode-languageclient/node";
import { findServer, hostLog, installServer, stopHost } from "./server";
import { StatusItem, statusChanged, statusRequest } from "./status";

const INSTALL = "Install";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("dgemma", { log: true });
  const item = new StatusItem();
  context.subscriptions.push(log, item);

  async function start(): Promise<void> {
    item.show({ state: "starting", message: "starting the language server" });
    const command = await findServer(context);
    if (!command) {
      item.show({ state: "failed", message: "the language server is not installed" });
      void offerToInstall();
      return;
    }
    log.info(`Starting ${command}`);
    client = new LanguageClient(
      "dgemma",
      "dgemma",
      { command, args: ["--stdio"] },
      {
        documentSelector: [
          { scheme: "file" },
          { scheme: "untitled" },
          { scheme: "vscode-notebook-cell" },
        ],
        outputChannel: log,
        initializationOptions: { statusNotifications: true },
      },
    );
    client.onNotification(statusChanged, (status) => item.show(status));
    try {
      await client.start();
      item.show(await client.sendRequest(statusRequest));
    } catch (error) {
      item.show({ state: "failed", message: `the language server does not run: ${error}` });
    }
  }

  async function restart(): Promise<void> {
    const running = client;
    client = undefined;
    await running?.dispose().catch((error) => log.warn(`It did not stop well: ${error}`));
    await start();
  }

  async function offerToInstall(): Promise<void> {
    const answer = await vscode.window.showInformationMessage(
      "dgemma-lsp is not installed. Install it into an environment of its own?",
      INSTALL,
    );
    if (answer === INSTALL) {
      await install();
    }
  }

  async function install(): Promise<void> {
    try {
      await installServer(context, log);
    } catch (error) {
      void vscode.window.showErrorMessage(`dgemma-lsp could not be installed: ${error}`);
      log.show();
      return;
    }
    await restart();
  }

  async function restartHost(): Promise<void> {
    try {
      await stopHost(context);
    } catch (error) {
      void vscode.window.showWarningMessage(`The engine host did not stop: ${error}`);
    }
    await restart();
  }

  async function showHostLog(): Promise<void> {
    try {
      const content = await hostLog(context);
      await vscode.window.showTextDocument(
        await vscode.workspace.openTextDocument({ content, language: "log" }),
      );
    } catch (error) {
      void vscode.window.showErrorMessage(`There is no log of the engine host: ${error}`);
    }
  }

  const commands = { restartServer: restart, restartHost, showHostLog, installServer: install };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`dgemma.${name}`, run));
  }
  context.subscriptions.push(
    vscode.commands.registerCommand("dgemma.showLog", () => log.show()),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("dgemma.server.path")) {
        await restart();
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await client?.dispose();
}
