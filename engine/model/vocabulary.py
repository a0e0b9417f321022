"""The embedding's weight, used in three ways: to look tokens up, to score them, and to mix them."""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import Tensor, nn
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import DiffusionGemmaTextScaledWordEmbedding

from engine.canvas import TokenIds
from engine.model.linear import linear
from engine.quant.modules import PackedEmbedding


def check_ids(token_ids: TokenIds, vocabulary_size: int) -> None:
    """Refuses ids that no embedding holds: one would kill a CUDA context, and with it every other request.

    Raises:
        ValueError: there are none, or one lies outside the vocabulary.
    """
    if len(token_ids) == 0:
        raise ValueError("there has to be at least one token")
    if token_ids.min() < 0 or token_ids.max() >= vocabulary_size:
        raise ValueError(f"token ids must be in 0..{vocabulary_size - 1}")


class Vocabulary(Protocol):
    """What the backbone asks of an embedding [V, H]."""

    @property
    def device(self) -> torch.device: ...

    @property
    def dtype(self) -> torch.dtype: ...

    def embed(self, token_ids: Tensor) -> Tensor:
        """Scaled embeddings [N, H] of token ids [N]."""
        ...

    def project(self, hidden: Tensor) -> Tensor:
        """Products [N, V] of hidden states [N, H] with every token's embedding, unscaled."""
        ...

    def expect(self, probs: Tensor) -> Tensor:
        """Expected scaled embeddings [N, H] of distributions [N, V]."""
        ...


class DenseVocabulary:
    """A `Vocabulary` over transformers' own embedding."""

    def __init__(self, embedding: DiffusionGemmaTextScaledWordEmbedding) -> None:
        self._embedding = embedding

    @property
    def device(self) -> torch.device:
        return self._embedding.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self._embedding.weight.dtype

    def embed(self, token_ids: Tensor) -> Tensor:
        return self._embedding(token_ids)

    def project(self, hidden: Tensor) -> Tensor:
        return linear(hidden, self._embedding.weight)

    def expect(self, probs: Tensor) -> Tensor:
        return (probs.to(self.dtype) @ self._embedding.weight) * self._embedding.embed_scale.to(self.dtype)


def vocabulary_of(embedding: nn.Module) -> Vocabulary:
    """The vocabulary of a decoder's embedding, packed or not."""
    if isinstance(embedding, PackedEmbedding):
        return embedding
    return DenseVocabulary(cast(DiffusionGemmaTextScaledWordEmbedding, embedding))
