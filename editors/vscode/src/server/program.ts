/** Where the program `dgemma-lsp` is, and what it does besides serving. */

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";
import type { Environments } from "./environments";

const PROGRAM = process.platform === "win32" ? "dgemma-lsp.exe" : "dgemma-lsp";
const MOST_OUTPUT_BYTES = 64 * 2 ** 20;

const run = promisify(execFile);

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The program that the user's settings name, if they do. */
export function namedProgram(): string {
  const named = vscode.workspace.getConfiguration("dgemma.server").get<string>("path", "");
  return named.replace(/^~(?=[/\\])/, homedir());
}

/** The server's program: the one that the user names, else one on PATH, in `~/.local/bin`, or one that we installed. */
export async function findProgram(environments: Environments): Promise<string | undefined> {
  const named = namedProgram();
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  // pipx and uv put programs there, also where it is not on the PATH of what the desktop starts.
  folders.push(join(homedir(), ".local", "bin"));
  const places = isAbsolute(named)
    ? [named]
    : folders.map((folder) => join(folder, named || PROGRAM));
  for (const program of places) {
    if (await isProgram(program)) {
      return program;
    }
  }
  const installed = named ? undefined : await environments.installed();
  return installed && (await isProgram(installed.program)) ? installed.program : undefined;
}

/** What the program prints when run with these arguments. Rejects with what it says of its failure. */
export async function output(environments: Environments, args: string[]): Promise<string> {
  const program = await findProgram(environments);
  if (!program) {
    throw new Error("the language server is not installed");
  }
  try {
    return (await run(program, args, { maxBuffer: MOST_OUTPUT_BYTES })).stdout;
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1);
    throw new Error(said || `${program} cannot be run`);
  }
}
