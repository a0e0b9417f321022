"""Trains the embedded checkpoint's tokenizer: byte-pair merges of Gemma's kind over the training split.

Space is written `▁`, runs of spaces, tabs and newlines are pieces of their own, and what the alphabet lacks falls back
to bytes, so that every text comes back exactly. Pieces are cut before merging at the borders of words, punctuation
and white space, which loses nothing and keeps a hole's edge on a piece border as often as one can.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

PAD, EOS, BOS, UNK = "<pad>", "<eos>", "<bos>", "<unk>"
TURN_START, TURN_END = "<|turn>", "<turn|>"
SPECIAL_TOKENS = (PAD, EOS, BOS, UNK, TURN_START, TURN_END, "<|channel>", "<channel|>", "<|think|>")
BYTE_TOKENS = tuple(f"<0x{byte:02X}>" for byte in range(256))
VOCABULARY_SIZE = 8192
ALPHABET_SIZE = 160
MAX_TOKEN_LENGTH = 20

# In order: newlines; tabs; two or more spaces, all of them, so that the end of an indentation is a piece border; a word
# with its leading space and underscores; underscores; one digit; punctuation; whatever else.
PIECES = r"\n+|\t+|▁▁+|▁?_*[^\W\d_]+|▁?_+|▁?\d|▁?[^\w\s▁]+|▁|\s+"

CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
{{- '<|turn>' + role + '\\n' + message['content'] + '<turn|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|turn>model\\n' -}}
{%- endif -%}
"""


def train(texts: Iterable[str], size: int = VOCABULARY_SIZE) -> Tokenizer:
    """A tokenizer of `size` tokens learned from `texts`."""
    tokenizer = Tokenizer(models.BPE(unk_token=UNK, fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        limit_alphabet=ALPHABET_SIZE,
        max_token_length=MAX_TOKEN_LENGTH,
        special_tokens=[*SPECIAL_TOKENS, *BYTE_TOKENS],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return Tokenizer.from_str(json.dumps(_with_plain_byte_tokens(json.loads(tokenizer.to_str()))))


def _with_plain_byte_tokens(state: dict[str, Any]) -> dict[str, Any]:
    """Byte tokens are reached by fallback only: as added tokens they would match their own spelling in a text."""
    added = [token for token in state["added_tokens"] if token["content"] in SPECIAL_TOKENS]
    return state | {"added_tokens": added}


def save(tokenizer: Tokenizer, directory: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and chat_template.jinja, which stock transformers reads."""
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": EOS,
        "bos_token": BOS,
        "unk_token": UNK,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 8192,
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    (directory / "chat_template.jinja").write_text(CHAT_TEMPLATE)
