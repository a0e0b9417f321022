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
from engine.quant.packed_product import has_kernel
from infill.text.tokens import _PrefixIndex

made = []
init = _PrefixIndex.__init__
_PrefixIndex.__init__ = lambda self, pieces: made.append("index") or init(self, pieces)
modules, kernels = set(sys.modules), has_kernel.cache_info().misses
text = "import os\\n\\n\\ndef names(path):\\n    return sorted(os."
request = InfillRequest(
    text=text + ")\\n", holes=(Span(start=len(text), end=len(text)),), path="a.py", language_id="python"
)
for _ in model.fill(request):
    pass
made += sorted(set(sys.modules) - modules)
made += ["kernel"] * (has_kernel.cache_info().misses - kernels)
print(json.dumps(made))
"""


def test_nothing_is_made_in_the_first_request() -> None:
    run = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.splitlines()[-1]) == []
