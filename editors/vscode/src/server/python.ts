/** The Python that environments are made with, and which PyTorch goes into them. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const WINDOWS = process.platform === "win32";
const NAMES = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];
const IS_FIT = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";

const run = promisify(execFile);

/** A build of PyTorch: what it is for, what an environment with it takes, and how pip is told. */
export interface Build {
  name: string;
  gigabytes: number;
  minutes: number;
  options: string[];
}

const CPU: Build = {
  name: "Without a GPU",
  gigabytes: 1.3,
  minutes: 2,
  options: ["--extra-index-url", "https://download.pytorch.org/whl/cpu"],
};
const CUDA: Build = { name: "For an NVIDIA GPU", gigabytes: 5.2, minutes: 3, options: [] };

/** The program of an environment's pip, and that of the server. */
export function programs(environment: string): { pip: string; program: string } {
  const [folder, ending] = WINDOWS ? ["Scripts", ".exe"] : ["bin", ""];
  const path = (name: string) => join(environment, folder, name + ending);
  return { pip: path("pip"), program: path("dgemma-lsp") };
}

async function succeeds(program: string, args: string[]): Promise<boolean> {
  try {
    await run(program, args, { timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}

/** A Python that is new enough and can make environments. */
export async function findPython(): Promise<string> {
  for (const name of NAMES) {
    if (await succeeds(name, ["-c", IS_FIT])) {
      return name;
    }
  }
  throw new Error(
    "Python 3.11 or newer with its module venv is needed, and there is none on PATH. " +
      "On Debian and Ubuntu: apt install python3-venv",
  );
}

/** The builds to choose from on this machine, the one that suits it first. Only for Linux are there two by name. */
export async function builds(): Promise<Build[]> {
  if (process.platform !== "linux") {
    return [{ ...CPU, name: "PyTorch for this system", options: [] }];
  }
  return (await succeeds("nvidia-smi", ["-L"])) ? [CUDA, CPU] : [CPU, CUDA];
}
