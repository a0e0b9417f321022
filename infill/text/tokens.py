"""Text to token ids and back, exactly: what is encoded decodes to the same text, and a token is known by its bytes.

Reads the checkpoint's `tokenizer.json` with `tokenizers`; knows no torch, model or prompt. The tokenizer is of Gemma's
kind: BPE over text whose blanks are written "▁", with byte fallback.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from engine.canvas import TokenIds
from engine.errors import CheckpointError
from engine.token_set import TokenSet

_BYTE_TOKEN = re.compile(r"<0x([0-9A-F]{2})>")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
# A line with the empty ones below it, which a single token may hold.
_LINE = re.compile("[^\n]*\n+|[^\n]+")
_BEYOND_LINE = re.compile(b"\n[^\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlIds:
    """Ids of the tokens that frame a conversation."""

    bos: int
    eos: int
    pad: int
    turn_start: int
    turn_end: int


_CONTROL_STRINGS = {
    "bos": "<bos>",
    "eos": "<eos>",
    "pad": "<pad>",
    "turn_start": "<|turn>",
    "turn_end": "<turn|>",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text and its tokens. text: what these spell. ids: [N] int32. starts: [N] int32, the code point at which each
    token begins; the tokens of a character that fell back to bytes share one."""

    text: str
    ids: TokenIds
    starts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> Passage:
        """The tokens [start, stop), neither of which may be `inside` a character."""
        first, last = self.offset(start), self.offset(stop)
        return Passage(text=self.text[first:last], ids=self.ids[start:stop], starts=self.starts[start:stop] - first)

    def offset(self, token: int) -> int:
        """The code point at which a token begins, or the text's end for the index past the last."""
        return int(self.starts[token]) if token < len(self) else len(self.text)

    def inside(self, token: int) -> bool:
        """Whether a token goes on with the character of the one before it."""
        return 0 < token < len(self) and self.starts[token] == self.starts[token - 1]

    def at_or_after(self, token: int) -> int:
        """The first index from `token` on at which the passage can be cut."""
        token = min(max(token, 0), len(self))
        while self.inside(token):
            token += 1
        return token

    def at_or_before(self, token: int) -> int:
        """The last index up to `token` at which the passage can be cut."""
        token = min(max(token, 0), len(self))
        while self.inside(token):
            token -= 1
        return token

    def line_starts(self) -> list[int]:
        """Indices of the tokens with which a line begins, the first token's too."""
        text, starts = self.text, self.starts.tolist()
        return [i for i, at in enumerate(starts) if i == 0 or (text[at - 1] == "\n" and at != starts[i - 1])]


class TextTokens:
    """A checkpoint's vocabulary as text: encodes, decodes, and answers which tokens could stand at a hole's edge.

    banned_in_hole: ids that are no text: control and unused tokens, gaps in the numbering, the replacement character.
    newline_ids: ids whose text holds a line feed or a carriage return.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Wrap a tokenizer.

        Raises:
            CheckpointError: it lacks a control token.
        """
        # Source code may spell a control token; it must then be read as text and not take part in the conversation.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self.control = _control_ids(tokenizer)
        self._pieces = _pieces(tokenizer)
        added = tokenizer.get_added_tokens_decoder()
        control_ids = [
            token_id
            for token_id, token in added.items()
            if (token.special or token.content.startswith("<unused")) and not _BYTE_TOKEN.fullmatch(token.content)
        ]
        # Made here, while a checkpoint loads, because the first request must not wait for it.
        self._by_prefix = _PrefixIndex(self._pieces)
        self._by_suffix = _PrefixIndex([piece[::-1] for piece in self._pieces])
        self._sizes = np.array([len(piece) for piece in self._pieces])
        textless = [i for i, piece in enumerate(self._pieces) if not piece or _REPLACEMENT.encode() in piece]
        self.banned_in_hole = TokenSet.of([*control_ids, *textless])
        self.newline_ids = TokenSet.of(i for i, piece in enumerate(self._pieces) if b"\n" in piece or b"\r" in piece)
        # Where no token goes on behind a line's end, a text's tokens are those of its lines, which seldom change.
        self._ends_lines = not any(_BEYOND_LINE.search(self._pieces[i]) for i in self.newline_ids)
        self._encoded = lru_cache(maxsize=4096)(self._encode)
        self.starting_with = lru_cache(maxsize=512)(self._starting_with)
        self.ending_with = lru_cache(maxsize=512)(self._ending_with)
        self.spanning = lru_cache(maxsize=512)(self._spanning)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read `tokenizer.json` in a checkpoint's directory.

        Raises:
            CheckpointError: the file is missing, unreadable or of another kind.
        """
        path = directory / "tokenizer.json"
        if not path.is_file():
            raise CheckpointError(f"{path} does not exist: the checkpoint is incomplete, download it again")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # The binding raises nothing more specific.
            raise CheckpointError(f"{path} cannot be read ({error}): download the checkpoint again") from error
        try:
            return cls(tokenizer)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error

    @property
    def size(self) -> int:
        """Number of ids, from 0 to size − 1; a model's embedding may have more rows."""
        return len(self._pieces)

    def encode(self, text: str) -> TokenIds:
        """Ids of a text, [N] int32; control tokens spelled in it are encoded as plain text."""
        return self.passage(text).ids

    def passage(self, text: str) -> Passage:
        """A text with its tokens. Lone surrogates, which no encoding can hold, are read as U+FFFD."""
        text = _LONE_SURROGATE.sub(_REPLACEMENT, text)
        lines = (_LINE.findall(text) if self._ends_lines else []) or [text]
        encoded = [self._encoded(line) for line in lines]
        offsets = np.cumsum([0, *map(len, lines[:-1])])
        starts = np.concatenate([own for _, own in encoded]) + offsets.repeat([len(ids) for ids, _ in encoded])
        return Passage(text=text, ids=np.concatenate([ids for ids, _ in encoded]), starts=starts.astype(np.int32))

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids. Bytes that are no whole character, as a hole may end in, are left out."""
        return b"".join(self._pieces[i] for i in ids).decode("utf-8", "ignore")

    def decode_pieces(self, ids: Iterable[int]) -> tuple[str, ...]:
        """Text of each id; a character spelled in bytes stands whole at its last byte."""
        decoder = codecs.getincrementaldecoder("utf-8")("ignore")
        return tuple(decoder.decode(self._pieces[i]) for i in ids)

    def _encode(self, text: str) -> tuple[TokenIds, NDArray[np.int32]]:
        """A text's ids, and where they start."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return np.array(encoding.ids, np.int32), np.array([start for start, _ in encoding.offsets], np.int32)

    def _starting_with(self, characters: str) -> TokenSet:
        """Text ids that begin with these characters; the same object for the same question."""
        return self._by_prefix.ids(characters.encode()) - self.banned_in_hole

    def _ending_with(self, characters: str) -> TokenSet:
        """Text ids that end with these characters; the same object for the same question."""
        return self._by_suffix.ids(characters.encode()[::-1]) - self.banned_in_hole

    def is_beginning(self, characters: str) -> bool:
        """Whether a longer token begins with these characters."""
        return self._any_longer(self.starting_with(characters), characters)

    def is_ending(self, characters: str) -> bool:
        """Whether a longer token ends with these characters."""
        return self._any_longer(self.ending_with(characters), characters)

    def _any_longer(self, tokens: TokenSet, characters: str) -> bool:
        return bool((self._sizes[tokens.ids] > len(characters.encode())).any())

    def _spanning(self, head: str, tail: str) -> TokenSet:
        """Text ids that begin with `head` and end with `tail` without the two overlapping; the same object for the same
        question."""
        least = len(head.encode()) + len(tail.encode())
        both = self.starting_with(head) & self.ending_with(tail)
        return TokenSet(both.ids[self._sizes[both.ids] >= least])


class _PrefixIndex:
    """Byte strings in order, so that those with a common beginning are neighbours."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        # numpy sorts a quarter of a million of them several times faster than Python does.
        keys = np.array(pieces, np.bytes_)
        self._order = keys.argsort(kind="stable")
        self._keys = keys[self._order]

    def ids(self, beginning: bytes) -> TokenSet:
        # No UTF-8 text holds the byte 0xFF, so this key lies past everything that begins so.
        low, high = np.searchsorted(self._keys, np.array([beginning, beginning + b"\xff"], np.bytes_))
        return TokenSet(np.sort(self._order[low:high]).astype(np.int32))


def _control_ids(tokenizer: Tokenizer) -> ControlIds:
    special = {token.content: i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    missing = [string for string in _CONTROL_STRINGS.values() if string not in special]
    if missing:
        raise CheckpointError(f"not a DiffusionGemma tokenizer: it has no control token {' '.join(missing)}")
    return ControlIds(**{name: special[string] for name, string in _CONTROL_STRINGS.items()})


def _pieces(tokenizer: Tokenizer) -> list[bytes]:
    """Every token's bytes by id; empty where the numbering has a gap."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    pieces = [b""] * (max(vocabulary.values()) + 1)
    for token, token_id in vocabulary.items():
        byte = _BYTE_TOKEN.fullmatch(token)
        pieces[token_id] = bytes([int(byte[1], 16)]) if byte else token.replace("▁", " ").encode()
    return pieces
