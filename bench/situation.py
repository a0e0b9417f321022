"""Twenty-six ordinary situations in which somebody types and might be shown something.

The Python ones are places in the standard library, whose line there is typed anew; the others are short files of the
kind that people have.
"""

import sysconfig
from dataclasses import dataclass
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A file, and what is typed where. before, after: the file around it. typed: with a line end for each Return.
    file: its name, None for a buffer that has never been saved. filetype: of such a buffer."""

    name: str
    file: str | None
    before: str
    typed: str
    after: str
    filetype: str = ""


def written(name: str, file: str | None, text: str, filetype: str = "") -> Situation:
    """A situation in a text of our own, in which ⟦what is typed⟧ is marked."""
    before, rest = text.split("⟦")
    typed, after = rest.split("⟧")
    return Situation(name=name, file=file, before=before, typed=typed, after=after, filetype=filetype)


def retyped(name: str, module: str, line: str, typed: str, after: str = "") -> Situation:
    """A line of the standard library typed anew: as far as `typed`, in front of `after`."""
    before, rest = (LIBRARY / f"{module}.py").read_text().split(line, 1)
    if typed.startswith("\n"):
        before = before.rstrip(" \n")
    return Situation(name=name, file=f"{module}.py", before=before, typed=typed, after=after + rest)


JAVASCRIPT = """\
const fs = require('fs');
const path = require('path');

function readConfig(file) {
  const text = fs.readFileSync(file, 'utf8');
  return JSON.parse(text);
}

async function fetchNotice(url) {
  const res = await fetch(url);
  if (res.headers.has('retry-after')) {
    return null;
  }
  ⟦if (res.⟧
  return res.text();
}

module.exports = { readConfig, fetchNotice };
"""

TYPESCRIPT = """\
interface User {
  id: number;
  name: string;
  email?: string;
}

export function findUser(users: User[], id: number): User | undefined {
  return users.find((user) => user.id === id);
}

export function userNames(users: User[]): string[] {
  ⟦return users.⟧
}
"""

GO = """\
package main

import (
	"fmt"
	"os"
)

func readFile(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}

func writeFile(path string, data []byte) error {
	err := os.WriteFile(path, data, 0o644)
	⟦if err ⟧
	return nil
}
"""

RUST = """\
use std::fs::File;
use std::io::{self, Read, Write};

fn copy(input_path: &str, output_path: &str) -> io::Result<()> {
    let mut input_file = File::open(input_path)?;
    let mut text = String::new();
    input_file.read_to_string(&mut text)?;
    ⟦let mut ⟧
    output_file.write_all(text.as_bytes())?;
    Ok(())
}
"""

MARKDOWN = """\
# wordcount

Counts the words of a text file.

## Usage

    wordcount FILE

⟦## Inst⟧

    pip install wordcount
"""

COMMIT = """\
⟦Fix the ⟧
# Please enter the commit message for your changes. Lines starting
# with '#' will be ignored, and an empty message aborts the commit.
#
# On branch main
# Changes to be committed:
#	modified:   parser.py
"""

CRLF = """\
def mean(values):
    total = 0
    for value in values:
        total += value
    if len(values) == 0:
        return 0
    return total / len(values)


def median(values):
    ordered = sorted(values)
    ⟦if len(values) == ⟧
        return 0
    return ordered[len(ordered) // 2]
"""

TABS_PYTHON = """\
class Box:
	def __init__(self, width, height, depth):
		self.width = width
		⟦self.h⟧
		self.depth = depth

	def volume(self):
		return self.width * self.height * self.depth
"""

TABS_GO = """\
package main

import (
	"os"
	"os/exec"
)

func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = os.Stdin
	cmd.Stdout = os.Stdout
	⟦cmd.⟧
	return cmd.Run()
}
"""

EMOJI = """\
SETTINGS = {
    "🇫🇷": "fr_FR",
    "🇯🇵": "ja_JP",
    "🇧🇷": "pt_BR",
}


def locale_of(country):
    if country not in SETTINGS:
        raise KeyError(country)
    ⟦return SET⟧
"""

EMOJI_BEFORE = """\
moods = []


def note(mood, level):
    moods.append((mood, level))


note("🙂", 1)
note("😀", 2)
note("🤩", ⟦⟧)
"""

UNSAVED = """\
⟦import os


def join(folder, name):
return os.⟧"""

SITUATIONS = (
    retyped("end of line", "textwrap", "chunks = self._split_chunks(text)", "chunks = self._split_ch"),
    retyped("end of line 2", "configparser", "raise NoSectionError(section) from None", "raise NoSec"),
    retyped("mid-line", "textwrap", "width = self.width - len(indent)", "width = ", "width - len(indent)"),
    retyped("mid-line after =", "textwrap", "lines = []", "lines = ", "[]"),
    retyped("new line in function body", "textwrap", "cur_len = 0\n", "\n", "\n"),
    retyped("new statement", "configparser", "for section, keys in dictionary.items():", "for "),
    retyped("docstring", "heapq", '"""Pop the smallest item off the heap', '"""Pop the '),
    retyped("import", "configparser", "from collections import ChainMap as _ChainMap", "from coll"),
    retyped("import 2", "configparser", "import itertools", "import "),
    retyped("call arguments", "configparser", "self._read(fp, filename)", "self._read("),
    retyped("inside brackets", "configparser", "self._sections[section] = self._dict()", "self._sections[", "]"),
    retyped("before closing bracket", "heapq", "heap.append(item)", "heap.append(", ")"),
    retyped("return", "heapq", "return returnitem", "return "),
    written("javascript", "notice.js", JAVASCRIPT),
    written("typescript", "users.ts", TYPESCRIPT),
    written("go", "files.go", GO),
    written("rust", "copy.rs", RUST),
    written("markdown", "README.md", MARKDOWN),
    written("commit message", "COMMIT_EDITMSG", COMMIT),
    written("CRLF", "mean.py", CRLF.replace("\n", "\r\n")),
    written("tabs py", "box.py", TABS_PYTHON),
    written("tabs go", "run.go", TABS_GO),
    written("emoji", "locales.py", EMOJI),
    written("emoji before cursor", "moods.py", EMOJI_BEFORE),
    written("unsaved buffer", None, UNSAVED, "python"),
    written("unsaved buffer no ft", None, UNSAVED),
)
