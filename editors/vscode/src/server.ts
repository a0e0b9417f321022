/** Where the program `dgemma-lsp` is, how it is installed, and what it does besides serving. */

import { execFile, spawn } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import * as vscode from "vscode";

const WINDOWS = process.platform === "win32";
const PROGRAM = WINDOWS ? "dgemma-lsp.exe" : "dgemma-lsp";
const PYTHON = WINDOWS ? "python" : "python3";
const PROGRAMS_FOLDER = WINDOWS ? "Scripts" : "bin";

const run = promisify(execFile);

function setting(name: string): string {
  return vscode.workspace.getConfiguration("dgemma.server").get<string>(name, "");
}

function ownEnvironment(context: vscode.ExtensionContext): string {
  return vscode.Uri.joinPath(context.globalStorageUri, "environment").fsPath;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The server's program: the one that the user names, else one on PATH, else one that we installed. */
export async function findServer(context: vscode.ExtensionContext): Promise<string | undefined> {
  const named = setting("path");
  if (named) {
    return named;
  }
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  for (const folder of [...folders, join(ownEnvironment(context), PROGRAMS_FOLDER)]) {
    const program = join(folder, PROGRAM);
    if (await isProgram(program)) {
      return program;
    }
  }
  return undefined;
}

/** Installs the server into an environment of its own, replacing what an earlier attempt left there. */
export async function installServer(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<void> {
  const environment = ownEnvironment(context);
  const python = join(environment, PROGRAMS_FOLDER, WINDOWS ? "python.exe" : "python");
  const steps = [
    [PYTHON, "-m", "venv", "--clear", environment],
    [python, "-m", "pip", "install", "--progress-bar", "off", setting("package")],
  ];
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: "Installing dgemma-lsp" },
    async (progress) => {
      for (const [program = "", ...args] of steps) {
        await runLogged(program, args, (line) => {
          log.info(line);
          progress.report({ message: line.length > 60 ? `${line.slice(0, 60)}…` : line });
        });
      }
    },
  );
}

function runLogged(program: string, args: string[], onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    createInterface(child.stdout).on("line", onLine);
    createInterface(child.stderr).on("line", onLine);
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}; the log has more`)),
    );
  });
}

async function output(context: vscode.ExtensionContext, args: string[]): Promise<string> {
  const program = await findServer(context);
  if (!program) {
    throw new Error("dgemma-lsp is not installed");
  }
  return (await run(program, args)).stdout;
}

/** Ends the process that holds the model. The next request starts another. */
export async function stopHost(context: vscode.ExtensionContext): Promise<void> {
  await output(context, ["host", "stop"]);
}

export function hostLog(context: vscode.ExtensionContext): Promise<string> {
  return output(context, ["host", "log"]);
}
