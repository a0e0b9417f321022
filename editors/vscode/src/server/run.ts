/** Programs that take a while: their output line by line, and their end when it is asked for. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const WINDOWS = process.platform === "win32";

/** Runs a program to its end. Rejects if it fails, with the last line that it printed, or if `signal` is aborted, which
 * ends it with all that it has started. */
export function runLogged(
  program: string,
  args: string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], detached: !WINDOWS });
    const end = () => {
      if (WINDOWS || child.pid === undefined) {
        child.kill();
      } else {
        process.kill(-child.pid);
      }
    };
    signal.addEventListener("abort", end);
    let last = "";
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        last = line || last;
        onLine(line);
      });
    }
    child.on("error", reject);
    child.on("close", (code) => {
      signal.removeEventListener("abort", end);
      if (signal.aborted) {
        reject(signal.reason);
      } else if (code === 0) {
        resolve();
      } else {
        reject(new Error(last || `${program} ended with ${code}`));
      }
    });
  });
}
