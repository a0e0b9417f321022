"""The `Denoiser` for a CUDA card; on a CPU it runs the same operations one by one, for comparison.

Stateless but for the weights, the pool of prefilled contexts and its buffers. One thread at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.canvas import Canvas, Context, DenoiseConfig, TokenIds
from engine.cuda.arena import ASIDE, Arena, Extent
from engine.cuda.look_up import look_up_of
from engine.cuda.programs.attention import FOREVER
from engine.cuda.programs.buckets import TOKENS, Buckets
from engine.cuda.programs.choices import ChoiceTable
from engine.cuda.stepper import ProgramStepper
from engine.cuda.tree import ArenaTree
from engine.kv.pool import ContextPool, PooledContext
from engine.model.backbone import Backbone
from engine.model.vocabulary import check_ids
from engine.score.reader import TreeReader
from engine.token_set import NO_TOKENS, TokenSet


class CudaDenoiser:
    """A resident model. context_tokens: how many tokens of prefilled context are kept in all."""

    def __init__(self, backbone: Backbone, *, context_tokens: int) -> None:
        self.backbone = backbone
        budget = min(context_tokens, backbone.max_positions)
        self._arena = Arena(backbone.layer_shapes, tokens=budget + ASIDE, device=backbone.device, dtype=backbone.dtype)
        self.pool = ContextPool(self._arena.sequence, budget=budget)
        self._choice_table = ChoiceTable(backbone.vocabulary_size, backbone.device)
        self._look_up = look_up_of(backbone, self._choice_table)
        self.programs = Buckets(backbone, self._arena, self._choice_table)

    @property
    def vocabulary_size(self) -> int:
        return self.backbone.vocabulary_size

    @property
    def max_context_tokens(self) -> int:
        return self.pool.budget

    @torch.inference_mode()
    def record(self) -> int:
        """Records all programs on a card, so that no request waits for that; returns how many."""
        return self.programs.record() if self.backbone.device.type == "cuda" else 0

    def shrink(self, context_tokens: int) -> None:
        """Hold no more than so many tokens of context from now on, and let go of the recordings, whose memory can be
        had at once; passes then run operation by operation."""
        self.pool.shrink(context_tokens)
        self.programs.forget()

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
            for start in range(context.cached_count, len(token_ids), TOKENS[-1]):
                self._encode(context, start, token_ids[start : start + TOKENS[-1]])
        except BaseException:
            context.release()
            raise
        return context

    def start(
        self, context: Context, canvases: Sequence[Canvas], *, seeds: Sequence[int], config: DenoiseConfig
    ) -> ProgramStepper:
        """Begin denoising a batch; one seed a row.

        Raises:
            ValueError: a canvas holds an id outside the vocabulary, or a position has none to choose from.
        """
        return ProgramStepper(
            self.programs,
            self._choice_table,
            PooledContext.of(context),
            canvases,
            seeds=seeds,
            config=config,
            clamped_kv=self._arena.sequence(self.pool.evict),
        )

    def reader(self, context: Context, *, banned_ids: TokenSet = NO_TOKENS) -> TreeReader:
        """A reader of rows after the context. banned_ids: not named among the likeliest ids."""

        def new_tree(backbone: Backbone, start: int) -> ArenaTree:
            return ArenaTree(backbone, start, self.programs, self._arena.sequence(self.pool.evict))

        return TreeReader(self.backbone, self._look_up, PooledContext.of(context), banned_ids, new_tree)

    def _encode(self, context: PooledContext, start: int, token_ids: TokenIds) -> None:
        """Writes the context's tokens from `start` on."""
        sequence = context.slot.sequence
        if not isinstance(sequence, Extent):
            raise TypeError("a context of the arena is needed")
        numbers = np.arange(len(token_ids))
        self.programs.forward("encode", len(token_ids), 0).run(
            context=np.array([sequence.offset, start]),
            token_ids=token_ids.astype(np.int64),
            positions=start + numbers,
            places=numbers,
            begins=numbers,
            ends=np.full(len(numbers), FOREVER),
            floors=start + numbers,
            kept=sequence.offset + start + numbers,
        )
        context.slot.append(token_ids)
