"""The reference `Denoiser`: transformers' layers on any device, exact and unhurried; other paths are compared with it.

Stateless but for the weights and the pool of prefilled contexts. One thread at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.canvas import PREFILL_TOKENS, Canvas, Context, DenoiseConfig, TokenIds
from engine.denoise.allowed import Choices
from engine.denoise.noise import KeyedNoise, NoiseSource
from engine.denoise.stepper import BatchStepper
from engine.kv.cache import AppendingCache, KeyValues
from engine.kv.masks import TokenPositions
from engine.kv.pool import ContextPool, PooledContext
from engine.model.backbone import Backbone
from engine.model.vocabulary import check_ids
from engine.score.answers import LogitLookUp
from engine.score.reader import TreeReader
from engine.token_set import NO_TOKENS, TokenSet


class ReferenceDenoiser:
    """A resident model.

    context_tokens: how many tokens of prefilled context are kept in all. chunk: tokens encoded in one pass, which
    bounds the memory of a long prompt's attention mask.
    """

    def __init__(
        self, backbone: Backbone, *, context_tokens: int, chunk: int = PREFILL_TOKENS, noise: NoiseSource | None = None
    ) -> None:
        self.backbone = backbone
        self._chunk = chunk
        self._noise = noise or KeyedNoise()
        self._choices = Choices(backbone.vocabulary_size, backbone.device)
        self.pool = ContextPool(
            lambda: KeyValues(backbone.layer_shapes, backbone.device, backbone.dtype),
            budget=min(context_tokens, backbone.max_positions),
        )

    @property
    def vocabulary_size(self) -> int:
        return self.backbone.vocabulary_size

    @property
    def max_context_tokens(self) -> int:
        return self.pool.budget

    def shrink(self, context_tokens: int) -> None:
        """Hold no more than so many tokens of context from now on, and of what is held only what is in use."""
        self.pool.shrink(context_tokens)

    @torch.inference_mode()
    def prefill(self, token_ids: TokenIds) -> PooledContext:
        """Encode a prompt, reusing the longest common token prefix of what the pool holds.

        Raises:
            ContextTooLongError: the prompt does not fit the pool.
            ValueError: the prompt is empty or holds an id outside the vocabulary.
        """
        check_ids(token_ids, self.vocabulary_size)
        context = self.pool.acquire(token_ids)
        try:
            for start in range(context.cached_count, len(token_ids), self._chunk):
                end = min(start + self._chunk, len(token_ids))
                places = TokenPositions.context(start, end, self.backbone.device)
                cache = AppendingCache(context.slot.sequence, start)
                self.backbone.encode(self.backbone.integers(token_ids[start:end]), places, cache, start)
                context.slot.append(token_ids[start:end])
        except BaseException:
            context.release()
            raise
        return context

    def start(
        self, context: Context, canvases: Sequence[Canvas], *, seeds: Sequence[int], config: DenoiseConfig
    ) -> BatchStepper:
        """Begin denoising a batch; one seed a row.

        Raises:
            ValueError: a canvas holds an id outside the vocabulary, or a position has none to choose from.
        """
        return BatchStepper(
            self.backbone,
            self._choices,
            PooledContext.of(context),
            canvases,
            seeds=seeds,
            config=config,
            noise=self._noise,
        )

    def reader(self, context: Context, *, banned_ids: TokenSet = NO_TOKENS) -> TreeReader:
        """A reader of rows after the context. banned_ids: not named among the likeliest ids."""
        return TreeReader(
            self.backbone, LogitLookUp(self.backbone, self._choices), PooledContext.of(context), banned_ids
        )
