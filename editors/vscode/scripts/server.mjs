// Makes the folder `server`, which travels inside the extension: the server's wheel, built from this repository, and
// the versions that it is to be installed with. $PYTHON names a Python with pip; without it that is python3.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const extension = dirname(dirname(fileURLToPath(import.meta.url)));
const repository = dirname(dirname(extension));
const server = join(extension, "server");

rmSync(server, { recursive: true, force: true });
mkdirSync(server);
const pip = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", server];
execFileSync(process.env.PYTHON ?? "python3", [...pip, repository], { stdio: "inherit" });
copyFileSync(join(repository, "constraints.txt"), join(server, "constraints.txt"));
copyFileSync(join(repository, "LICENSE"), join(extension, "LICENSE"));
