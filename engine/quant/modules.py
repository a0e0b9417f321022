"""Modules that compute with packed weights on any device: unpacked on the fly, a slice at a time where they are large.

They take the places of transformers' linear layers, experts and embedding. Portable, and exact to the format's own
error; a kernel that never unpacks is another module over the same parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoint.weight import Shape
from engine.quant.formats import Format

SLICE_BYTES = 2**27
"""The most that is unpacked at once of what need not be unpacked whole: experts and the vocabulary."""


class PackedWeight(nn.Module):
    """A weight of `shape` as its format's parts. dtype: what it is unpacked to."""

    def __init__(self, shape: Shape, form: Format, dtype: torch.dtype) -> None:
        super().__init__()
        self.shape = shape
        self.dtype = dtype
        self._form = form
        for name, (part_shape, part_dtype) in form.parts(shape).items():
            self.register_buffer(name, torch.empty(part_shape, dtype=part_dtype, device="meta"))

    @property
    def device(self) -> torch.device:
        return next(self.buffers()).device

    @property
    def slice_length(self) -> int:
        """How many of the first dimension's entries make a slice."""
        return max(1, SLICE_BYTES // (math.prod(self.shape[1:]) * self.dtype.itemsize))

    def dense(self, entries: Tensor | slice = slice(None)) -> Tensor:
        """These entries of the first dimension, unpacked: [n, ...]."""
        return self._form.unpack({name: part[entries] for name, part in self.named_buffers()}, self.shape, self.dtype)

    def slices(self) -> Iterator[tuple[slice, Tensor]]:
        """The whole weight, slice by slice."""
        for start in range(0, self.shape[0], self.slice_length):
            entries = slice(start, min(start + self.slice_length, self.shape[0]))
            yield entries, self.dense(entries)


class PackedLinear(nn.Module):
    """A linear layer without a bias. weight: [out, in]."""

    def __init__(self, weight: PackedWeight) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.weight.dense())


class PackedExperts(nn.Module):
    """All experts of a layer, called as transformers calls its own. All are unpacked, a slice at a time: which of them
    some token chose is known to the device alone, and asking it would stop the step.

    gate_up_proj: [E, 2I, H]. down_proj: [E, H, I].
    """

    def __init__(
        self, gate_up_proj: PackedWeight, down_proj: PackedWeight, activation: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        self.gate_up_proj = gate_up_proj
        self.down_proj = down_proj
        self._activation = activation

    def forward(self, hidden_states: Tensor, top_k_index: Tensor, top_k_weights: Tensor) -> Tensor:
        """hidden_states: [N, H]. top_k_index, top_k_weights: [N, K]. The weighted sum, [N, H]."""
        chosen = top_k_index.flatten()
        order = chosen.argsort(stable=True)
        inputs = hidden_states[order // top_k_index.shape[1]]
        outputs = torch.zeros_like(inputs)
        numbers = torch.arange(len(inputs), device=inputs.device)
        experts = torch.arange(self.gate_up_proj.shape[0], device=inputs.device)
        ends = torch.searchsorted(chosen[order], experts, right=True, out_int32=True)
        begin = torch.zeros_like(ends[:1])
        for some, gate_up in self.gate_up_proj.slices():
            down = self.down_proj.dense(some)
            # Only the device knows how many rows belong to earlier experts; a grouped product begins with its first
            # row, so the rows are turned until these experts' own come first.
            rows, own = (numbers + begin) % len(inputs), ends[some] - begin
            gate, up = functional.grouped_mm(inputs[rows], gate_up.mT, offs=own).chunk(2, dim=-1)
            products = functional.grouped_mm(self._activation(gate) * up, down.mT, offs=own)
            outputs.index_add_(0, rows, products.masked_fill_((numbers >= own[-1])[:, None], 0))
            begin = ends[some][-1:]
        by_token = outputs[order.argsort()].view(*top_k_index.shape, -1)
        return (by_token * top_k_weights[..., None]).sum(dim=1).to(hidden_states.dtype)


class PackedEmbedding(nn.Module):
    """A `Vocabulary` over a packed weight [V, H]. scale: what a token's embedding is times."""

    def __init__(self, weight: PackedWeight, scale: float) -> None:
        super().__init__()
        self.weight = weight
        self._scale = scale

    @property
    def device(self) -> torch.device:
        return self.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.weight.dtype

    def embed(self, token_ids: Tensor) -> Tensor:
        """Scaled embeddings [N, H] of token ids [N]."""
        return self.weight.dense(token_ids).mul_(self._scale)

    def project(self, hidden: Tensor) -> Tensor:
        """Products [N, V] of hidden states [N, H] with every token's embedding."""
        products = hidden.new_empty(len(hidden), self.weight.shape[0])
        for tokens, dense in self.weight.slices():
            torch.mm(hidden, dense.T, out=products[:, tokens])
        return products

    def expect(self, probs: Tensor) -> Tensor:
        """Expected scaled embeddings [N, H] of distributions [N, V]."""
        expected = probs.new_zeros(len(probs), self.weight.shape[1], dtype=self.weight.dtype)
        for tokens, dense in self.weight.slices():
            expected.addmm_(probs[:, tokens].to(dense.dtype), dense)
        return expected.mul_(self._scale)
