/** The Python environments that this extension makes for the server, in its global storage.
 *
 * Each attempt gets a folder of its own. The file `installed.json` names the one that is whole and is written last, so
 * an attempt that fails or is cancelled changes nothing, and its folder goes with the next one that succeeds.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type * as vscode from "vscode";
import { type Build, findPython, programs } from "./python";
import { runLogged } from "./run";

/** program: `dgemma-lsp` in the environment. wheel: the hash of what was installed. */
export interface Installed {
  program: string;
  wheel: string;
}

export class Environments {
  private readonly root: string;
  private readonly record: string;
  private readonly packages: string;

  constructor(context: vscode.ExtensionContext) {
    this.root = context.globalStorageUri.fsPath;
    this.record = join(this.root, "installed.json");
    this.packages = join(context.extensionPath, "server");
  }

  /** What was installed last, if anything was. */
  async installed(): Promise<Installed | undefined> {
    try {
      return JSON.parse(await readFile(this.record, "utf8"));
    } catch {
      return undefined;
    }
  }

  /** Whether this program is one of ours, and of another build than the wheel that this extension holds. */
  async isOutdated(program: string): Promise<boolean> {
    const installed = await this.installed();
    const wheel = await this.wheel();
    return installed?.program === program && wheel !== undefined && installed.wheel !== wheel.hash;
  }

  /** Installs the wheel that this extension holds, and makes the new environment the one that is used. */
  async install(build: Build, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
    const wheel = await this.wheel();
    if (!wheel) {
      throw new Error(
        "this build of the extension holds no server; `npm run package` makes one that does",
      );
    }
    const python = await findPython();
    await mkdir(this.root, { recursive: true });
    const disk = await statfs(this.root);
    const free = (disk.bavail * disk.bsize) / 1e9;
    if (free < build.gigabytes) {
      throw new Error(
        `${build.gigabytes} GB are needed, and ${free.toFixed(1)} GB are free in ${this.root}`,
      );
    }
    const folder = join(this.root, `environment-${Date.now()}`);
    const { pip, program } = programs(folder);
    const constraints = ["--constraint", join(this.packages, "constraints.txt")];
    try {
      await runLogged(python, ["-m", "venv", folder], onLine, signal);
      const options = ["--progress-bar", "off", "--disable-pip-version-check", ...constraints];
      await runLogged(pip, ["install", ...options, ...build.options, wheel.path], onLine, signal);
      const record: Installed = { program, wheel: wheel.hash };
      await writeFile(`${this.record}.new`, JSON.stringify(record));
      await rename(`${this.record}.new`, this.record);
    } catch (error) {
      await remove(folder);
      throw error;
    }
    for (const name of await readdir(this.root)) {
      if (name.startsWith("environment-") && join(this.root, name) !== folder) {
        await remove(join(this.root, name));
      }
    }
  }

  private async wheel(): Promise<{ path: string; hash: string } | undefined> {
    const names = await readdir(this.packages).catch(() => []);
    const name = names.find((name) => name.endsWith(".whl"));
    if (!name) {
      return undefined;
    }
    const path = join(this.packages, name);
    return {
      path,
      hash: createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
    };
  }
}

function remove(folder: string): Promise<void> {
  // What was killed may still be writing its last file.
  return rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
