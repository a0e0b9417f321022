"""Modules that compute with packed weights on any device: where the codes lie if it has a kernel for that, else
unpacked on the fly, a slice at a time where they are large.

They take the places of transformers' linear layers and embedding, exact to the format's own error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.checkpoint.weight import Shape
from engine.quant.formats import Format
from engine.quant.packed_product import multiplies_packed, packed_mixture, packed_product

SLICE_BYTES = 2**27
"""The most that is unpacked at once of what need not be unpacked whole: experts and the vocabulary."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """The parts of a weight [N, K], or [E, N, K], in groups. codes: [..., K], of 4 bits two in one number. scales:
    [..., K / group]."""

    codes: Tensor
    scales: Tensor

    @property
    def bits(self) -> int:
        return 4 if self.codes.dtype == torch.uint8 else 8

    @property
    def group(self) -> int:
        return self.codes.shape[-1] * 8 // self.bits // self.scales.shape[-1]

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + self.scales.nbytes

    def halves(self) -> tuple[Grouped, Grouped]:
        """The first half of every entry's N, and the other."""
        parts = (part.chunk(2, dim=-2) for part in (self.codes, self.scales))
        (first_codes, second_codes), (first_scales, second_scales) = parts
        return Grouped(first_codes, first_scales), Grouped(second_codes, second_scales)


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

    def multiplied(self, rows: Tensor, ends: Tensor | None = None) -> Tensor | None:
        """Products [M, N] with rows [M, K], in the order of their entries, with nothing unpacked; None where the device
        has no kernel for that. ends: of `packed_product`."""
        grouped = self.in_groups(rows.device)
        return None if grouped is None else packed_product(rows, grouped.codes, grouped.scales, ends)

    def mixed(self, rows: Tensor) -> Tensor | None:
        """Mixtures [M, K] float32 of the lines of a weight [N, K], by their shares [M, N], with nothing unpacked; None
        where the device has no kernel for that."""
        grouped = self.in_groups(rows.device)
        if grouped is None or grouped.bits != 8:
            return None
        return packed_mixture(rows.to(self.dtype), grouped.codes, grouped.scales)

    def in_groups(self, device: torch.device) -> Grouped | None:
        """Its parts, where a device multiplies with them as they are."""
        if not multiplies_packed(self._form, self.shape[-1], device):
            return None
        parts = dict(self.named_buffers())
        return Grouped(parts["codes"], parts["scales"])

    def multiplied_by_entry(self, rows: Tensor, ends: Tensor) -> Tensor:
        """Products [M, N] of rows [M, K], in the order of their entries, with their own entry [N, K] each."""
        products = self.multiplied(rows, ends)
        if products is not None:
            return products
        products = rows.new_zeros(len(rows), self.shape[1])
        numbers = torch.arange(len(rows), device=rows.device)
        begin = torch.zeros_like(ends[:1])
        for some in self.slices():
            # Only the device knows how many rows belong to earlier entries; a grouped product begins with its first
            # row, so the rows are turned until these entries' own come first.
            turned, own = (numbers + begin) % len(rows), ends[some] - begin
            part = functional.grouped_mm(rows[turned], self.dense(some).mT, offs=own)
            products.index_add_(0, turned, part.masked_fill_((numbers >= own[-1])[:, None], 0))
            begin = ends[some][-1:]
        return products

    def slices(self) -> Iterator[slice]:
        """Entries that are unpacked at once: a slice is let go before the next is made."""
        for start in range(0, self.shape[0], self.slice_length):
            yield slice(start, min(start + self.slice_length, self.shape[0]))


class PackedLinear(nn.Module):
    """A linear layer without a bias. weight: [out, in]."""

    def __init__(self, weight: PackedWeight) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, hidden: Tensor) -> Tensor:
        products = self.weight.multiplied(hidden.flatten(0, -2))
        if products is not None:
            return torch.unflatten(products, 0, hidden.shape[:-1])
        return functional.linear(hidden, self.weight.dense())


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
        packed = self.weight.multiplied(hidden)
        if packed is not None:
            return packed
        products = hidden.new_empty(len(hidden), self.weight.shape[0])
        for tokens in self.weight.slices():
            torch.mm(hidden, self.weight.dense(tokens).T, out=products[:, tokens])
        return products

    def expect(self, probs: Tensor) -> Tensor:
        """Expected scaled embeddings [N, H] of distributions [N, V]."""
        expected = self.weight.mixed(probs)
        if expected is None:
            # In float32, because each slice would round the sum of those before.
            expected = probs.new_zeros(len(probs), self.weight.shape[1], dtype=torch.float32)
            for tokens in self.weight.slices():
                expected += probs[:, tokens].to(self.dtype) @ self.weight.dense(tokens)
        return expected.mul_(self._scale).to(self.dtype)
