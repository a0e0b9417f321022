"""Every text comes back exactly, and runs of white space and control tokens are what they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jinja2 import Template
from tokenizers import Tokenizer

from bench.nano import tokenizer
from infill.text.tokens import TextTokens

SAMPLE = "def f(self, value):\n    return self.value_of(value)\n\n\nclass A:\n\tx = 1\n        y = 'a  b'\n"


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    return tokenizer.train([SAMPLE] * 5)


@pytest.mark.parametrize(
    "text", [SAMPLE, "", " ", "   x", "x   ", "\t\t\n\n\n", "é漢🙂\r\n", "<bos> <0x41> <|turn>", "\ufeffa\u00a0b"]
)
def test_texts_come_back_exactly(trained: Tokenizer, text: str) -> None:
    trained.encode_special_tokens = True
    assert trained.decode(trained.encode(text).ids, skip_special_tokens=False) == text


def test_special_tokens_come_first_and_bytes_after_them(trained: Tokenizer) -> None:
    assert [trained.token_to_id(token) for token in ("<pad>", "<eos>", "<bos>", "<unk>")] == [0, 1, 2, 3]
    assert trained.token_to_id("<0x00>") == len(tokenizer.SPECIAL_TOKENS)
    assert {token.content for token in trained.get_added_tokens_decoder().values()} == set(tokenizer.SPECIAL_TOKENS)


def test_indentation_is_a_token_of_its_own(trained: Tokenizer) -> None:
    assert trained.encode("x\n\n\n        y").tokens[1:3] == ["\n\n\n", "▁" * 8]


def test_saved_files_are_read_by_infill_and_render_a_turn(trained: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(trained, tmp_path)
    tokens = TextTokens.load(tmp_path)
    assert tokens.decode(tokens.encode(SAMPLE).tolist()) == SAMPLE
    template = Template((tmp_path / "chat_template.jinja").read_text())
    messages = [{"role": "user", "content": "Hello"}]
    rendered = template.render(messages=messages, bos_token="<bos>", add_generation_prompt=True)
    assert rendered == "<bos><|turn>user\nHello<turn|>\n<|turn>model\n"
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["eos_token"] == "<eos>"
