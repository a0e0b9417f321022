"""Shapes that are compared are as large as may be, and their runs end where the time does."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench.nano import shapes, tokenizer
from bench.nano.corpus import Document
from bench.nano.shape import text_configuration
from bench.nano.shapes import SHAPES, Code, Comparison, Racer, Reached, Shape, race, whole_lines
from engine.train.model import TrainableBackbone
from engine.train.sequence import TrainingSequence
from infill.text.tokens import TextTokens
from tests.unit.nano.sources import TEXT

TINY = {"hidden_size": 16, "intermediate_size": 16, "head_dim": 8, "global_head_dim": 8, "moe_intermediate_size": 8}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.words)
def test_a_shape_has_the_pattern_and_the_size(shape: Shape) -> None:
    config = text_configuration(**shape.changes)
    assert config.layer_types is not None
    assert config.layer_types[-1] == "full_attention"
    model = TrainableBackbone(config)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert 9e6 < parameters < 11e6
    assert parameters * 2 < 24 * 2**20
    none = torch.zeros(1, 0, dtype=torch.long)
    ids = torch.zeros(1, 4, dtype=torch.long)
    sequence = TrainingSequence(
        context_ids=ids, canvas_ids=none[..., None], context_lengths=torch.tensor([4]), canvas_lengths=none
    )
    assert model(sequence)[0].shape == (1, 4, config.hidden_size)


def code_of(vocabulary: int) -> Code:
    """Enough of it for batches, in a tokenizer of so many pieces at most."""
    many = [Document(package="p", path="m.py", language="python", text=TEXT * 200)]
    return Code.of(TextTokens(tokenizer.train([TEXT], vocabulary)), many, many)


def test_a_race_ends_with_all_measured() -> None:
    code = code_of(512)
    racers = [Racer(Shape(words=f"{seed}", changes=TINY, seed=seed), code, compiled=False) for seed in range(2)]
    race(racers, seconds=0.1)
    reached = [racer.reached() for racer in racers]
    assert [run.words for run in reached] == ["0", "1"]
    for run in reached:
        assert run.steps > 0
        assert run.tokens == run.steps * code.batch(0).token_count
        assert 0 < run.nats < 12 / code.characters
        assert 0 <= run.lines <= 1


def test_vocabularies_are_measured_on_the_same_text() -> None:
    few, many = code_of(280), code_of(512)
    assert few.characters < many.characters
    for code in (few, many):
        text = code.measured.numel() * code.characters
        assert shapes.MEASURED_CHARACTERS * 0.8 < text <= shapes.MEASURED_CHARACTERS


def test_a_line_is_written_whole_where_each_of_its_ids_is_the_likeliest() -> None:
    code = code_of(512)
    right = torch.roll(code.measured, -1, dims=-1)
    lines = code.lines.unique()
    counted = lines[~torch.isin(lines, code.lines[..., 0]) & (lines != code.lines[-1, -1, -1])]
    assert whole_lines(right, code) == 1
    for line, missed in ((counted[0], 1), (counted[-1], 1), (code.lines[0, 1, 0], 0)):
        for at in torch.nonzero(code.lines.flatten() == line).flatten():
            following = right.flatten().clone()
            following[at - 1] = -1
            assert whole_lines(following.view_as(right), code) == 1 - missed / len(counted)


def test_a_line_has_the_ids_up_to_the_one_that_breaks_it() -> None:
    code = code_of(512)
    ids, lines = code.measured.flatten(), code.lines.flatten()
    tokens = TextTokens(tokenizer.train([TEXT], 512))
    texts = ["".join(tokens.decode_pieces(ids[lines == line].tolist())) for line in lines.unique()[:-1].tolist()]
    assert texts
    assert all(text.strip("\n") and text.rstrip("\n") != text and "\n" not in text.strip("\n") for text in texts)


def test_rows_of_a_step_are_from_places_of_their_own() -> None:
    code = code_of(512)
    rows = code.batch(0).context_ids
    assert rows.shape == (8, 512)
    assert torch.equal(rows[0], torch.from_numpy(code.read[:512].astype("int64")))
    assert len({tuple(row.tolist()) for step in range(2) for row in code.batch(step).context_ids}) == 16


def test_a_comparison_is_kept_whole(tmp_path: Path) -> None:
    reached = Reached(words="this", parameters=2**20, steps=3, tokens=4, nats=5.5, lines=0.25)
    comparison = Comparison(seconds=60.0, machine="this one", torch="2.13.0", reached=(reached,))
    comparison.write(tmp_path / "shapes.json")
    assert Comparison.read(tmp_path / "shapes.json") == comparison
    assert reached.mebibytes == 2.0
