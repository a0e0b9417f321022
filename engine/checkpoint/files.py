"""A checkpoint directory on disk: its JSON files, which tensor lies in which shard, and what is wrong with it.

Reads Hugging Face's layout: `config.json`, and `model.safetensors` or shards with `model.safetensors.index.json`.
Everything the user can mend is a `CheckpointError` that names the file. Nothing here knows the model's layers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol, TypeGuard

from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.errors import CheckpointError

CONFIG = "config.json"
GENERATION_CONFIG = "generation_config.json"
_INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_ITEM_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2, "I16": 2}
_AGAIN = "Download the checkpoint again, or name another directory."


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where a tensor lies, and what its shard's header says of it. dtype: safetensors' name, such as `BF16`."""

    shard: Path
    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * _ITEM_BYTES.get(self.dtype, 1)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        CheckpointError: the file is missing, unreadable, or not a JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist. {_AGAIN}") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON ({error}). {_AGAIN}") from error
    if not is_object(content):
        raise CheckpointError(f"{path} does not hold a JSON object. {_AGAIN}")
    return content


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value read from JSON is an object."""
    return isinstance(value, dict)


def stored_tensors(directory: Path) -> dict[str, StoredTensor]:
    """Every tensor of the checkpoint by name, from the shards' headers; no tensor is read.

    Raises:
        CheckpointError: no weights, or the index or a shard is missing, truncated or broken.
    """
    tensors: dict[str, StoredTensor] = {}
    for shard in shard_paths(directory):
        with _opened(shard) as file:
            for name in file.keys():  # noqa: SIM118 - safetensors' file is no mapping.
                header = file.get_slice(name)
                tensors[name] = StoredTensor(shard, tuple(header.get_shape()), header.get_dtype())
    return tensors


def read_tensors(tensors: Mapping[str, StoredTensor]) -> Iterator[tuple[str, Tensor]]:
    """The tensors in their mapping's order; each may be a view of the mapped file, which holds no memory of its own.

    Raises:
        CheckpointError: a shard cannot be read.
    """
    for shard, names in groupby(tensors, key=lambda name: tensors[name].shard):
        with _opened(shard) as file:
            for name in names:
                yield name, file.get_tensor(name)


def shard_paths(directory: Path) -> list[Path]:
    """The files that hold the weights.

    Raises:
        CheckpointError: there are none, or the index or a file it names is missing or broken.
    """
    if not directory.is_dir():
        raise CheckpointError(f"{directory} is not a directory. Name the directory of a DiffusionGemma checkpoint.")
    index = directory / _INDEX
    if not index.exists():
        if not (directory / _SINGLE).exists():
            raise CheckpointError(f"{directory} holds neither {_INDEX} nor {_SINGLE}. {_AGAIN}")
        return [directory / _SINGLE]
    names = read_json(index).get("weight_map")
    if not is_object(names) or not all(isinstance(name, str) for name in names.values()):
        raise CheckpointError(f"{index} has no weight_map from tensor names to files. {_AGAIN}")
    shards = [directory / name for name in sorted(set(names.values()))]
    for shard in shards:
        if not shard.is_file():
            raise CheckpointError(f"{shard} does not exist, but {_INDEX} names it. {_AGAIN}")
    return shards


class _Header(Protocol):
    def get_shape(self) -> list[int]: ...
    def get_dtype(self) -> str: ...


class _Shard(Protocol):
    """What is asked of an open shard, which safetensors gives no types."""

    def keys(self) -> list[str]: ...
    def get_slice(self, name: str) -> _Header: ...
    def get_tensor(self, name: str) -> Tensor: ...


def _opened(shard: Path) -> AbstractContextManager[_Shard]:
    try:
        return safe_open(shard, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{shard} is truncated or broken ({error}). {_AGAIN}") from error
