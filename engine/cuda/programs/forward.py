"""One forward of packed tokens, as a program. Its result stays in its own buffer until the next run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engine.cuda import kernels
from engine.cuda.arena import Arena
from engine.cuda.programs.attention import PackedAttention, fields
from engine.cuda.programs.program import PackedInputs, Program
from engine.model.backbone import Backbone

Direction: TypeAlias = Literal["encode", "decode"]

NO_SIGNAL = -1
"""In `signals`: nothing is fed back. Numbers from 0 count what was believed; for the others see `of_token`."""


def of_token(token_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """What stands in `signals` where a token's own embedding is fed back."""
    return _FIRST_TOKEN - token_ids


_FIRST_TOKEN = -2


@dataclass(frozen=True, slots=True)
class ForwardShape:
    """tokens: computed. extra: keys that are shown besides."""

    direction: Direction
    tokens: int
    extra: int


class Forward:
    """A pass of so many tokens. hidden: [tokens, H], its result."""

    def __init__(self, shape: ForwardShape, backbone: Backbone, arena: Arena) -> None:
        self.shape = shape
        self._backbone = backbone
        self._arena = arena
        own = {"token_ids": (shape.tokens, 0), "signals": (shape.tokens, NO_SIGNAL)}
        inputs = PackedInputs({**own, **fields(shape.tokens, shape.extra, arena.spill)}, backbone.device)
        self.program = Program(self._operations, inputs)
        self.hidden = torch.zeros(shape.tokens, backbone.hidden_size, device=backbone.device, dtype=backbone.dtype)
        self._believed = torch.zeros_like(self.hidden)
        self._run = _runner(backbone)

    def run(self, believed: Sequence[Tensor] = (), /, **given: NDArray[np.int64]) -> Tensor:
        """Runs the pass on what is given by field. believed: [n, H] each, the mean embeddings that `signals` counts,
        end to end. Returns `hidden`."""
        self.program.inputs.send(**given)
        if believed:
            torch.cat(list(believed), out=self._believed[: sum(map(len, believed))])
        self.program.run()
        return self.hidden

    def _operations(self) -> None:
        backbone, token_ids = self._backbone, self.program.inputs["token_ids"]
        if self.shape.direction == "encode":
            layers, embeds = backbone.encoder_layers, backbone.embed_tokens(token_ids)
        else:
            layers, embeds = backbone.decoder_layers, backbone.embed_conditioned(token_ids, self._signal())
        self.hidden.copy_(self._run(layers, embeds, backbone, self.program.inputs, self._arena))

    def _signal(self) -> Tensor:
        """What self-conditioning feeds each token, [tokens, H]."""
        signals = self.program.inputs["signals"]
        believed = self._believed[signals.clamp(min=0)]
        tokens = self._backbone.embed_tokens((_FIRST_TOKEN - signals).clamp(min=0))
        kinds = signals[:, None]
        return torch.where(kinds >= 0, believed, torch.where(kinds < NO_SIGNAL, tokens, torch.zeros_like(tokens)))


def _with_torch(
    layers: nn.ModuleList, embeds: Tensor, backbone: Backbone, inputs: PackedInputs, arena: Arena
) -> Tensor:
    return backbone.run_with(PackedAttention(inputs, arena, backbone), layers, embeds, inputs["positions"])


def _runner(backbone: Backbone) -> Callable[[nn.ModuleList, Tensor, Backbone, PackedInputs, Arena], Tensor]:
    """What runs all layers where the model lies."""
    if not kernels.usable(backbone.device) or backbone.activation != kernels.ACTIVATION:
        return _with_torch
    from engine.cuda.kernels.layers import run

    return run
