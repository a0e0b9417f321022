"""What is minimised: the encoder's causal cross-entropy plus the decoder's cross-entropy on corrupted canvases.

One batch may hold both or contexts alone. Noise is uniform over the vocabulary, there is no mask token, and no noise
level is told to the network. Source for the official part (every canvas position free, one level an example, flat mean
over all of them, self-conditioning half of the time): the published fine-tuning recipe of DiffusionGemma.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.train.cross_entropy import chunk_nats, mean_nats
from engine.train.model import TrainableBackbone
from engine.train.sequence import TrainingSequence

BALANCE_WEIGHT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBatch:
    """Clean ids and where they are to be corrupted.

    context_ids: [B, C] int64. context_lengths: [B]. canvas_ids: [B, K, L] int64, clean. canvas_lengths: [B, K].
    free: [B, K, L] bool; positions that may be corrupted, and on which the loss is taken.
    levels: [B, K] float; the probability with which a free position is corrupted.
    """

    context_ids: Tensor
    context_lengths: Tensor
    canvas_ids: Tensor
    canvas_lengths: Tensor
    free: Tensor
    levels: Tensor

    @property
    def token_count(self) -> int:
        """Positions computed, padding included."""
        return self.context_ids.numel() + self.canvas_ids.numel()

    @classmethod
    def of_contexts(cls, context_ids: Tensor) -> TrainingBatch:
        """A batch without canvases, of [B, C] ids."""
        rows, length = context_ids.shape
        return cls(
            context_ids=context_ids,
            context_lengths=torch.full((rows,), length),
            canvas_ids=torch.zeros(rows, 0, 0, dtype=torch.long),
            canvas_lengths=torch.zeros(rows, 0, dtype=torch.long),
            free=torch.zeros(rows, 0, 0, dtype=torch.bool),
            levels=torch.zeros(rows, 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """causal, canvas: mean nats a token (canvas is 0 without canvases). imbalance: of the experts, 1 at best."""

    causal: Tensor
    canvas: Tensor
    imbalance: Tensor

    @property
    def total(self) -> Tensor:
        return self.causal + self.canvas + BALANCE_WEIGHT * self.imbalance


def corrupt(batch: TrainingBatch, vocabulary: int, generator: torch.Generator) -> Tensor:
    """The canvases with each free position replaced by a uniform token with its canvas's probability."""
    drawn = torch.rand(batch.canvas_ids.shape, generator=generator)
    noise = torch.randint(vocabulary, batch.canvas_ids.shape, generator=generator)
    return torch.where(batch.free & (drawn < batch.levels[..., None]), noise, batch.canvas_ids)


def _sequence(batch: TrainingBatch, canvas_ids: Tensor) -> TrainingSequence:
    """A batch as the model reads it, with [B, K, L] canvases as corrupted."""
    return TrainingSequence(
        context_ids=batch.context_ids,
        canvas_ids=canvas_ids,
        context_lengths=batch.context_lengths,
        canvas_lengths=batch.canvas_lengths,
    )


class Objective:
    """Computes the losses of a model's batches.

    compiled: pays for a long run with few batch shapes. bfloat16: the precision of products; weights, norms and the
    sum of the layers stay as they are.
    """

    def __init__(self, model: TrainableBackbone, *, compiled: bool = False, bfloat16: bool = False) -> None:
        self.model = model
        self._bfloat16 = bfloat16
        self._chunk_nats = chunk_nats
        if compiled:
            self._chunk_nats = torch.compile(chunk_nats, dynamic=False)  # pyright: ignore[reportUnknownMemberType] - partly untyped.
            model.compile_layers()

    def __call__(self, batch: TrainingBatch, generator: torch.Generator, *, self_condition: bool = False) -> Losses:
        """Losses of a batch. self_condition: feed a first pass, without gradient, back to the canvases."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            return self._losses(batch, generator, self_condition=self_condition)

    @torch.no_grad()
    def following(self, context_ids: Tensor) -> Tensor:
        """[B, C] the likeliest id after each of [B, C] ids."""
        batch = TrainingBatch.of_contexts(context_ids)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            hidden, _, _ = self.model(_sequence(batch, batch.canvas_ids))
            return torch.stack([self.model.logits(row).argmax(-1) for row in hidden])

    def _losses(self, batch: TrainingBatch, generator: torch.Generator, *, self_condition: bool) -> Losses:
        model, config = self.model, self.model.config
        sequence = _sequence(batch, corrupt(batch, config.vocab_size, generator))
        soft = None
        if self_condition and batch.canvas_ids.numel():
            soft = self._first_pass(sequence, batch)
        context, canvas, imbalance = model(sequence, soft)
        # The last context token predicts nothing that is trained, and logits are too dear to be computed in vain.
        following = torch.roll(batch.context_ids, -1, dims=1)
        counted = torch.arange(context.shape[1]) < batch.context_lengths[:, None] - 1
        causal = self._mean_nats(context[counted], following[counted])
        held = self._mean_nats(canvas[batch.free], batch.canvas_ids[batch.free])
        return Losses(causal=causal, canvas=held, imbalance=imbalance)

    @torch.no_grad()
    def _first_pass(self, sequence: TrainingSequence, batch: TrainingBatch) -> Tensor:
        """[B, K, L, H]: what a pass expects at free positions; clamped ones are known, so they have their own token."""
        model = self.model
        soft = model.embed_tokens(batch.canvas_ids) * model.config.hidden_size**0.5
        read = model.soft_embedding(model.logits(model(sequence)[1][batch.free]))
        soft[batch.free] = read.to(soft.dtype)
        return soft

    def _mean_nats(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of [N] targets; 0 of none."""
        if not len(targets):
            return hidden.new_zeros(())
        hidden = hidden.bfloat16() if self._bfloat16 else hidden
        cap = self.model.config.final_logit_softcapping
        return mean_nats(hidden, self.model.embed_tokens.weight, targets, cap, self._chunk_nats)
