"""What the embedded checkpoint fills in, so that a change of the search that is meant to change nothing shows.

Each answer leads its rival by more than a nat, which no rounding of another processor turns around. A retrained
checkpoint, or a better search, may change them: then they are written anew, on purpose.
"""

from __future__ import annotations

import pytest

from engine.checkpoint.config import denoise_config
from engine.nano import DIRECTORY
from engine.weights.load import load
from infill.fill import Infiller
from infill.profile import profile_for
from infill.request import Filled
from infill.text.tokens import TextTokens
from tests.unit.infill.scripted import request_of

HOLES = [
    ("show.py", "import sys\n\n\ndef show(path):\n    print(⟦⟧, file=sys.stderr)\n", "path"),
    ("names.py", "def names(items):\n    result = []\n    for item in items:\n        result.append(item.name)\n"
     "    return ⟦⟧\n", "result"),
    ("point.py", "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = ⟦⟧\n", "y"),
    ("size.py", "def size(values):\n    if not values:\n        return 0\n    return len(⟦⟧)\n", "values"),
    ("main.py", 'def main():\n    pass\n\n\nif __name__ == "⟦⟧":\n    main()\n', "__main__"),
    ("half.py", "total = 0\nfor value in values:\n    to⟦⟧ += value\nprint(total)\n", "tal"),
    ("copy.py", "def frobnicate_the_zyzzyva(a):\n    return a\n\n\nresult = frob⟦⟧(1)\n", "nicate_the_zyzzyva"),
    ("map.ts", "const names = items.map((item) => item.name);\nconst ages = items.map((item) => ⟦⟧);\n", "item.name"),
    ("join.py", "import os\nimport sys\n\n\ndef main(root, name):\n    return os.path.join(⟦⟧, name)\n", "root"),
    ("self.py", "class A:\n    def __init__(self, name):\n        self.name = name\n\n    def show(self):\n"
     "        print(self.⟦⟧)\n", "name"),
    ("add.js", "function add(a, b) {\n  return a + ⟦⟧;\n}\n", "b"),
    ("items.py", "for key, value in items.items():\n    print(key, ⟦⟧)\n", "value"),
]  # fmt: skip


@pytest.fixture(scope="module")
def infiller() -> Infiller:
    tokens = TextTokens.load(DIRECTORY)
    return Infiller(load(DIRECTORY, device="cpu"), tokens, profile_for(DIRECTORY, denoise_config(DIRECTORY)))


@pytest.mark.parametrize(("path", "marked", "text"), HOLES)
def test_the_embedded_checkpoint_fills_in(infiller: Infiller, path: str, marked: str, text: str) -> None:
    *_, filled = infiller.fill(request_of(marked, path=path))
    assert isinstance(filled, Filled)
    assert [candidate.texts for candidate in filled.candidates] == [(text,)]
