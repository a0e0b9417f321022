"""What is believed at some positions after a decoder pass, and an id drawn from it, as a program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.canvas import Floats
from engine.cuda import kernels
from engine.cuda.programs.choices import ChoiceTable
from engine.cuda.programs.program import PackedInputs, Program
from engine.denoise import sampler
from engine.denoise.noise import drawn
from engine.denoise.stepper import TOP_IDS
from engine.model.backbone import Backbone

_ONE = int(np.array(1.0).view(np.int64))
"""A float of 1 as a field holds it."""


@dataclass(frozen=True, slots=True)
class SamplingShape:
    """positions: whose logits are read. mixed: whether what is believed is mixed into mean embeddings."""

    positions: int
    mixed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """The result at N positions: the ids drawn [N], the entropies [N] in nats, and the k likeliest ids with their
    log-probabilities [N, k], best first."""

    drawn_ids: NDArray[np.int32]
    entropy: Floats
    top_ids: NDArray[np.int32]
    top_log_probs: Floats

    @classmethod
    def of_result(cls, result: NDArray[np.int32]) -> Believed:
        """From the packed result [N, 2 + 2k] of `Sampling`."""
        top = (result.shape[1] - 2) // 2
        return cls(
            drawn_ids=result[:, 0],
            entropy=result[:, 1].view(np.float32),
            top_ids=result[:, 2 : 2 + top],
            top_log_probs=np.ascontiguousarray(result[:, 2 + top :]).view(np.float32),
        )


class Sampling:
    """At so many positions. result: [positions, 2 + 2k] int32, for `Believed`. mean: [positions, H], the mean
    embeddings of what is believed."""

    def __init__(self, shape: SamplingShape, backbone: Backbone, choices: ChoiceTable) -> None:
        self.shape = shape
        self._backbone = backbone
        self._choices = choices
        self._top = min(TOP_IDS, backbone.vocabulary_size)
        count, device = shape.positions, backbone.device
        fields = {"numbers": (count, 0), "choices": (count, 0), "bits": (count, 0), "temperature": (1, _ONE)}
        operations = self._with_kernels if kernels.usable(device) else self._operations
        self.program = Program(operations, PackedInputs(fields, device))
        self.result = torch.zeros(count, 2 + 2 * self._top, dtype=torch.int32, device=device)
        self._hidden = torch.zeros(count, backbone.hidden_size, device=device, dtype=backbone.dtype)
        self.mean = torch.zeros_like(self._hidden)

    def run(
        self,
        hidden: Tensor,
        *,
        numbers: NDArray[np.int64],
        choices: NDArray[np.int64],
        bits: NDArray[np.int64],
        temperature: float,
    ) -> None:
        """Reads some of a pass's hidden states. numbers: which. choices: of `ChoiceTable`, the ids that may stand.
        bits: 24 random ones that decide what is drawn."""
        inputs = self.program.inputs
        inputs.send(numbers=numbers, choices=choices, bits=bits, temperature=np.array([temperature]).view(np.int64))
        torch.index_select(hidden, 0, inputs["numbers"], out=self._hidden)
        self.program.run()

    def _operations(self) -> None:
        inputs, result, top = self.program.inputs, self.result, self._top
        logits = self._backbone.logits(self._hidden).div_(inputs["temperature"].view(torch.float64).float())
        logits.masked_fill_(self._choices.banned(inputs["choices"]), sampler.IMPOSSIBLE)
        believed = sampler.posterior(logits, top)
        result[:, 0] = drawn(believed.probs, inputs["bits"])
        result[:, 1] = believed.entropy.view(torch.int32)
        result[:, 2 : 2 + top] = believed.top_ids
        result[:, 2 + top :] = believed.top_log_probs.view(torch.int32)
        if self.shape.mixed:
            self.mean.copy_(self._backbone.embed_distribution(believed.probs))

    def _with_kernels(self) -> None:
        """The same, in one pass over the logits."""
        from engine.cuda.kernels.sampler import believe, distributions

        backbone, inputs = self._backbone, self.program.inputs
        logits = backbone.raw_logits(self._hidden)
        told = (self._choices.words, inputs["choices"], inputs["temperature"].view(torch.float64))
        log_totals = believe(logits, *told, inputs["bits"], self.result, softcap=backbone.softcap)
        if self.shape.mixed:
            probs = distributions(logits, *told, log_totals, softcap=backbone.softcap, dtype=backbone.dtype)
            self.mean.copy_(backbone.embed_distribution(probs))
