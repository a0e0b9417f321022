/** Installing the server: what is asked before, and what is shown meanwhile. */

import * as vscode from "vscode";
import { warn } from "../warn";
import type { Environments } from "./environments";
import { type Build, builds } from "./python";

const LONGEST_LINE = 60;
/** What pip says where it has no connection, before it says that there is no such package. */
const RETRYING = /^WARNING: Retrying /;
const UNREACHABLE =
  "the Python package index cannot be reached. Check the connection, and what pip is told of a proxy.";

async function chosenBuild(): Promise<Build | undefined> {
  const items = (await builds()).map((build, index, all) => ({
    label: build.name,
    description: index === 0 && all.length > 1 ? "suits this machine" : "",
    detail: `Takes ${build.gigabytes} GB on disk, and about ${build.minutes} minutes on a fast network`,
    build,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: "Install the language server into an environment of its own",
    placeHolder: "Which PyTorch shall it run on?",
    ignoreFocusOut: true,
  });
  return chosen?.build;
}

/** Installs the server if the user goes through with it. Returns whether it is installed now. */
export async function install(
  environments: Environments,
  log: vscode.LogOutputChannel,
): Promise<boolean> {
  const build = await chosenBuild();
  if (!build) {
    return false;
  }
  const where = { location: vscode.ProgressLocation.Notification, cancellable: true };
  return vscode.window.withProgress(
    { ...where, title: `Installing dgemma-lsp (${build.gigabytes} GB)` },
    async (progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      let unreachable = false;
      const onLine = (line: string) => {
        unreachable ||= RETRYING.test(line);
        log.info(line);
        progress.report({ message: shortened(line) });
      };
      try {
        await environments.install(build, onLine, abort.signal);
        return true;
      } catch (error) {
        if (!abort.signal.aborted) {
          const reason = unreachable ? UNREACHABLE : (error as Error).message;
          const message = `the language server could not be installed: ${reason}`;
          log.error(message);
          void warn(message, { "Show Log": () => log.show() });
        }
        return false;
      }
    },
  );
}

function shortened(line: string): string {
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}
