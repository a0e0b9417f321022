"""The reference `Denoiser`: transformers' layers on any device, exact and unhurried; other paths are compared with it.

Stateless but for the weights and the pool of prefilled contexts. One thread at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from engine.backbone import Backbone
from engine.branches import Branches
from engine.cache import WritingCache
from engine.canvas import Canvas, Context, DenoiseConfig, Scores, TokenIds
from engine.context import ContextPool, PooledContext
from engine.denoise import BatchStepper
from engine.expected import Asked, expected_of
from engine.masks import Places
from engine.noise import KeyedNoise, NoiseSource
from engine.permitted import PermittedIds


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
                self.backbone.encode(self.backbone.integers(token_ids[start:end]), places, cache, start)
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
    def score(
        self,
        context: Context,
        rows: Sequence[TokenIds],
        *,
        begins: Sequence[int] = (),
        after: Scores | None = None,
        banned_ids: frozenset[int] = frozenset(),
        allowed: Sequence[Mapping[int, frozenset[int]]] = (),
    ) -> Scores:
        """Read rows left to right after the context, what they have in common once. begins: of each row, the place of
        the first token that is asked about; 0 where not given. after: what came of reading others over the same
        context; what rows have in common with those is not computed again. banned_ids: not to be named among the
        likeliest. allowed: of each row, by place, the only ids that may stand there, which share all of its
        probability; any where not given.

        Raises:
            ValueError: a row is empty or holds an id outside the vocabulary, or only banned ids are allowed.
        """
        if not rows:
            return Scores(rows=(), token_positions=0)
        for row in rows:
            self._check(row)
        own = self._own(context)
        # The pool keeps no hidden states, so each row begins with the context's last token: its output predicts the
        # row's first. A row's own last token has nothing left to predict.
        start = own.token_count - 1
        last = own.slot.token_ids[start : start + 1]
        branches = after.read if after is not None else Branches(self.backbone, start)
        if not isinstance(branches, Branches):
            raise TypeError(f"scores of this denoiser are needed, not with {type(branches).__name__}")
        known = len(branches.trie)
        paths = branches.read(own.slot.sequence, [np.concatenate([last, row[:-1]]) for row in rows])
        asked = [
            Asked(row[begin:], path[begin:], [own.get(place) for place in range(begin, len(row))])
            for row, path, begin, own in zip(
                rows, paths, begins or [0] * len(rows), allowed or [{}] * len(rows), strict=True
            )
        ]
        expected = expected_of(asked, branches, PermittedIds(banned_ids, self.vocabulary_size, self.backbone.device))
        return Scores(rows=expected, token_positions=len(branches.trie) - known, read=branches)

    def _own(self, context: Context) -> PooledContext:
        if not isinstance(context, PooledContext):
            raise TypeError(f"a context of this denoiser is needed, not {type(context).__name__}")
        return context

    def _check(self, token_ids: TokenIds) -> None:
        # Such an id would kill a CUDA context, and with it every other request.
        if len(token_ids) == 0:
            raise ValueError("there has to be at least one token")
        if token_ids.min() < 0 or token_ids.max() >= self.vocabulary_size:
            raise ValueError(f"token ids must be in 0..{self.vocabulary_size - 1}")
