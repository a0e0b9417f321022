"""Tuned numbers stand in profiles; what stands in modules is a limit or a fact, listed here with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Rooms that decide what is said, and where. In the others a number changes memory or speed, and never a text.
ROOMS = (
    "infill",
    "engine/denoise",
    "engine/score",
    "engine/kv",
    "engine/model",
    "dgemma_lsp/documents",
    "dgemma_lsp/edits",
    "dgemma_lsp/features",
)
PROFILE = ("infill/profile.py",)

SENTINELS = "marks what is no token, position or purpose"
FACT = "a fact of text, of how code is laid out or of the arithmetic"
COST = "bounds what one request costs; what lies beyond it changes no text that is likely"
MEMORY = "bounds what is held at once; the result is the same"
SIGHT = (
    "how far from the cursor, or in the past, somebody has in mind what they did, whatever model offers what follows"
)
SHOWN = "how much of a text fits where an editor shows it"
SHAPE = "how much of two texts has to be alike to mean anything, whatever model reads them"

ALLOWED = {
    "dgemma_lsp/documents/changes.py": {
        "MOST_CHANGES": COST,
        "LIFETIME_S": SIGHT,
        "MOST_LINES": COST,
        "MOST_CHARACTERS": COST,
    },
    "dgemma_lsp/documents/positions.py": {"UNIT_BYTES": FACT},
    "dgemma_lsp/documents/window.py": {"STRIDE": COST, "PARSED": COST},
    "dgemma_lsp/edits/edit.py": {"IN_SIGHT": SIGHT},
    "dgemma_lsp/edits/site.py": {"NEARBY": SIGHT, "ABOVE": SIGHT, "BELOW": SIGHT},
    "dgemma_lsp/edits/suggester.py": {"MOST_SITES": COST, "MOST_REMEMBERED": MEMORY},
    "dgemma_lsp/features/code_actions.py": {"TITLE_LENGTH": SHOWN, "MESSAGE_LENGTH": COST},
    "dgemma_lsp/features/menu.py": {"LABEL_LENGTH": SHOWN},
    "engine/denoise/allowed.py": {"KEPT": MEMORY},
    "engine/denoise/clamped.py": {"HOLE_LENGTH": FACT},
    "engine/denoise/noise.py": {"_PURPOSES": SENTINELS, "_GOLDEN": FACT, "_FIRST": FACT, "_SECOND": FACT},
    "engine/denoise/sampler.py": {"IMPOSSIBLE": SENTINELS, "_TILE": MEMORY},
    "engine/denoise/stepper.py": {"TOP_IDS": MEMORY, "READ_AT_ONCE": MEMORY},
    "engine/kv/masks.py": {"CONTEXT": SENTINELS},
    "engine/model/attention.py": {"BLOCK": MEMORY, "_WIDEST_FUSED": FACT},
    "engine/model/backbone.py": {"MAX_POSITIONS": MEMORY},
    "engine/score/answers.py": {"TOP_IDS": MEMORY},
    "engine/score/reader.py": {"MAX_NODES": MEMORY},
    "engine/score/trie.py": {"_ROOT": SENTINELS},
    "infill/edit/change.py": {"MOST_TOKENS": COST, "ENOUGH": SHAPE},
    "infill/edit/follow.py": {"_ALIKE": SHAPE},
    "infill/edit/replacement.py": {"_MOST_TOKENS": COST, "_LEAST_TOKENS": SHAPE},
    "infill/judge/finish.py": {
        "_ABOVE": COST,
        "_BELOW": COST,
        "_MOST_MARGINS": COST,
        "_TELLING": SHAPE,
        "_REACH": COST,
    },
    "infill/judge/flaws.py": {"_REACH": COST},
    "infill/judge/score.py": {"_SANE_SHARE": FACT},
    "infill/prompt/layout.py": {"_REACH": COST},
    "infill/prompt/window.py": {"_CODE_POINTS_PER_TOKEN": FACT, "_SUFFIX_STEP": COST, "_LINE_STEP": COST},
    "infill/propose/continuation.py": {"_MAX_PARSED": COST},
    "infill/propose/joined.py": {"_MOST_TEXTS": COST, "_MOST_WHOLE": COST},
    "infill/propose/prompt_lookup.py": {
        "_LEAST_ALIKE": SHAPE,
        "_MOST_ALIKE": SHAPE,
        "_MOST_PLACES": COST,
        "_MOST_COMPARED": COST,
    },
    "infill/request.py": {"MOST_CANDIDATES": COST},
    "infill/syntax/joints.py": {"_MOST_WORDS": COST, "_MOST_MARGINS": COST, "_LINES_OPEN": COST},
    "infill/text/lines.py": {"_LINE_ENDING_REACH": COST, "_WIDTH": FACT, "_NEAR": COST, "_MIXED": SHAPE},
    "infill/text/words.py": {"_LEAST_TYPED": SHAPE, "_MOST_ALIKE": SHAPE},
}


def test_no_tuned_constant_stands_outside_a_profile() -> None:
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    found = {name: set(_numbers(path)) for path in files if (name := str(path.relative_to(ROOT))) not in PROFILE}
    unlisted = {name: names - set(ALLOWED.get(name, {})) for name, names in found.items()}
    assert {name: names for name, names in unlisted.items() if names} == {}, (
        "move it to infill/profile.py, or give its reason here"
    )
    assert {
        name: set(names) - found.get(name, set())
        for name, names in ALLOWED.items()
        if set(names) - found.get(name, set())
    } == {}


def _numbers(path: Path) -> Iterator[str]:
    """The module's names that stand for numbers, or for what is made of them."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and _holds_number(node.value):
            yield from (name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name))
        elif isinstance(node, ast.AnnAssign) and node.value is not None and _holds_number(node.value):
            yield ast.unparse(node.target)


def _holds_number(value: ast.expr) -> bool:
    constants = (node.value for node in ast.walk(value) if isinstance(node, ast.Constant))
    return any(isinstance(constant, (int, float)) and not isinstance(constant, bool) for constant in constants)
