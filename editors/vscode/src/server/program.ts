/** Where the program `dgemma-lsp` is, and what it does besides serving. */

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";
import type { Environments } from "./environments";

const PROGRAM = process.platform === "win32" ? "dgemma-lsp.exe" : "dgemma-lsp";
const MOST_OUTPUT_BYTES = 64 * 2 ** 20;

const run = promisify(execFile);

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The server's program: the one that the user names, else one on PATH, in `~/.local/bin`, or one that we installed. */
export async function findProgram(environments: Environments): Promise<string | undefined> {
  const named = vscode.workspace.getConfiguration("dgemma.server").get<string>("path", "");
  if (named) {
    return named.replace(/^~(?=[/\\])/, homedir());
  }
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  // pipx and uv put programs there, also where it is not on the PATH of what the desktop starts.
  folders.push(join(homedir(), ".local", "bin"));
  for (const program of folders.map((folder) => join(folder, PROGRAM))) {
    if (await isProgram(program)) {
      return program;
    }
  }
  const installed = await environments.installed();
  return installed && (await isProgram(installed.program)) ? installed.program : undefined;
}

/** What the program prints when run with these arguments. */
export async function output(environments: Environments, args: string[]): Promise<string> {
  const program = await findProgram(environments);
  if (!program) {
    throw new Error("dgemma-lsp is not installed");
  }
  return (await run(program, args, { maxBuffer: MOST_OUTPUT_BYTES })).stdout;
}
