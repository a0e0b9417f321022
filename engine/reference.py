"""The reference `Denoiser`: transformers' layers on any device, exact and unhurried; other paths are compared with it.

Stateless but for the weights and the pool of prefilled contexts. One thread at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.backbone import Backbone
from engine.cache import ReadingCache, WritingCache
from engine.canvas import Canvas, Context, DenoiseConfig, Floats, TokenIds
from engine.context import ContextPool, PooledContext
from engine.denoise import READ_AT_ONCE, BatchStepper
from engine.masks import Places
from engine.noise import KeyedNoise, NoiseSource


class ReferenceDenoiser:
    """A resident model.

    context_tokens: how many tokens of prefilled context are kept in all. chunk: tokens encoded in one pass, which
    bounds the memory of a long prompt's attention mask.
    """

    def __init__(
        self, backbone: Backbone, *, context_tokens: int, chunk: int = 2048, noise: NoiseSource | None = None
    ) -> None:
        self.backbone = backbone
        self._chunk = chunk
        self._noise = noise or KeyedNoise()
        self.pool = ContextPool(
            backbone.layer_shapes,
            budget=min(context_tokens, backbone.max_positions),
            device=backbone.device,
            dtype=backbone.dtype,
        )

    @property
    def vocabulary_size(self) -> int:
        return self.backbone.vocabulary_size

    @property
    def max_context_tokens(self) -> int:
        return self.pool.budget

    @torch.inference_mode()
    def prefill(self, token_ids: TokenIds) -> PooledContext:
        """Encode a prompt, reusing the longest common token prefix of what the pool holds.

        Raises:
            ContextTooLongError: the prompt does not fit the pool.
            ValueError: the prompt is empty or holds an id outside the vocabulary.
        """
        self._check(token_ids)
        context = self.pool.acquire(token_ids)
        try:
            for start in range(context.cached_count, len(token_ids), self._chunk):
                end = min(start + self._chunk, len(token_ids))
                places = Places.context(start, end, self.backbone.device)
                cache = WritingCache(context.slot.sequence, start)
                self.backbone.encode(self._tensor(token_ids[start:end]), places, cache, start)
                context.slot.append(token_ids[start:end])
        except BaseException:
            context.release()
            raise
        return context

    def start(
        self, context: Context, canvases: Sequence[Canvas], *, seeds: Sequence[int], config: DenoiseConfig
    ) -> BatchStepper:
        """Begin denoising a batch; one seed a row. A row's result depends on its context, canvas, seed and config
        only, not on its neighbours in the batch.

        Raises:
            ValueError: a canvas holds an id outside the vocabulary, or a position has no permitted one.
        """
        return BatchStepper(self.backbone, self._own(context), canvases, seeds=seeds, config=config, noise=self._noise)

    @torch.inference_mode()
    def score(self, context: Context, rows: Sequence[TokenIds]) -> tuple[Floats, ...]:
        """Left-to-right log-probability, nats, of every token of every row after the context: [L_row] each.

        Raises:
            ValueError: a row is empty or holds an id outside the vocabulary.
        """
        if not rows:
            return ()
        for row in rows:
            self._check(row)
        own = self._own(context)
        # The pool keeps no hidden states, so each row begins with the context's last token: its output predicts the
        # row's first. A row's own last token has nothing left to predict.
        start = own.token_count - 1
        last = own.slot.token_ids[start : start + 1]
        inputs = [np.concatenate([last, row[:-1]]) for row in rows]
        # Candidates differ in a hole only: what stands before it is read once for all.
        shared = _shared_length(inputs)
        rest = [len(row) - shared for row in rows]
        places = Places.branching(start, shared, rest, self.backbone.device)
        cache = ReadingCache(own.slot.sequence, start)
        token_ids = np.concatenate([inputs[0][:shared], *(row[shared:] for row in inputs)])
        hidden = self.backbone.encode(self._tensor(token_ids), places, cache, start)
        begins = np.cumsum([shared, *rest[:-1]])
        read_at = [np.r_[:shared, begin : begin + count] for begin, count in zip(begins, rest, strict=True)]
        log_probs = self._log_probs(hidden, np.concatenate(read_at), np.concatenate(rows))
        return tuple(np.split(log_probs, np.cumsum([len(row) for row in rows])[:-1]))

    def _log_probs(self, hidden: torch.Tensor, read_at: NDArray[np.int64], token_ids: TokenIds) -> Floats:
        """Log-probabilities [M], nats, of tokens [M] after the places [M] among hidden states [N, H]."""
        log_probs = np.empty(len(token_ids), np.float32)
        for begin in range(0, len(hidden), READ_AT_ONCE):
            logits = self.backbone.logits(hidden[begin : begin + READ_AT_ONCE])
            own = (begin <= read_at) & (read_at < begin + READ_AT_ONCE)
            places, ids = self._tensor(read_at[own] - begin), self._tensor(token_ids[own])
            log_probs[own] = (logits[places, ids] - logits.logsumexp(dim=-1)[places]).cpu().numpy()
        return log_probs

    def _own(self, context: Context) -> PooledContext:
        if not isinstance(context, PooledContext):
            raise TypeError(f"a context of this denoiser is needed, not {type(context).__name__}")
        return context

    def _tensor(self, values: NDArray[np.integer[Any]]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.int64, device=self.backbone.device)

    def _check(self, token_ids: TokenIds) -> None:
        # Such an id would kill a CUDA context, and with it every other request.
        if len(token_ids) == 0:
            raise ValueError("there has to be at least one token")
        if token_ids.min() < 0 or token_ids.max() >= self.vocabulary_size:
            raise ValueError(f"token ids must be in 0..{self.vocabulary_size - 1}")


def _shared_length(rows: Sequence[TokenIds]) -> int:
    """With how many tokens all of these rows begin."""
    shortest = min(map(len, rows))
    differs = np.any([row[:shortest] != rows[0][:shortest] for row in rows], axis=0)
    return int(differs.argmax()) if differs.any() else shortest
