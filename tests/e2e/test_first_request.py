"""A user's first request finds everything made: loading has imported, indexed, compiled and planned it."""

from __future__ import annotations

import json
import subprocess
import sys

# In a process of its own, because the tests before it have imported and made much already.
_SCRIPT = """
import json, sys
from dgemma_lsp.checkpoints.resolve import resolve
from dgemma_lsp.resident.model import make_loader
from dgemma_lsp.wire.identity import EngineOptions
from infill.request import InfillRequest, Span

options = EngineOptions(checkpoint="nano", device="cpu")
model = make_loader(resolve("nano"), options)(lambda *_: None)
from engine.denoise.allowed import Choice
from engine.quant.packed_product import kernel_fault
from infill.text.tokens import _PrefixIndex

made = []
init, ids, flags = _PrefixIndex.__init__, _PrefixIndex.ids, Choice.flags

def index(self, pieces):
    made.append("index")
    init(self, pieces)

def found(self, beginning):
    # What few ids begin with is found in no time.
    if len(tokens := ids(self, beginning)) > 400:
        made.append(f"{len(tokens)} ids with {beginning}")
    return tokens

def split(self, size):
    if self.allowed is None:
        made.append("what may stand anywhere")
    return flags(self, size)

_PrefixIndex.__init__, _PrefixIndex.ids, Choice.flags = index, found, split
modules, kernels = set(sys.modules), kernel_fault.cache_info().misses
requests = {"python": "import os\\n\\n\\ndef names(path):\\n    return ", "rust": "fn main() {\\n    let x = "}
for language, text in requests.items():
    hole = Span(start=len(text), end=len(text))
    for _ in model.fill(InfillRequest(text=text + "\\n", holes=(hole,), path="", language_id=language)):
        pass
made += sorted(set(sys.modules) - modules)
made += ["kernel"] * (kernel_fault.cache_info().misses - kernels)
print(json.dumps(made))
"""


def test_nothing_is_made_in_the_first_request() -> None:
    run = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == []
