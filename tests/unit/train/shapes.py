"""A tiny architecture of the real class and layer pattern for the tests of training."""

# The annotations of torch are incomplete.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import torch
from transformers import DiffusionGemmaConfig, DiffusionGemmaTextConfig

from engine.train.model import TrainableBackbone
from engine.train.objective import TrainingBatch

VOCABULARY = 48
WINDOW = 12


def tiny_configuration() -> DiffusionGemmaConfig:
    """Six layers, five of them sliding over `WINDOW` tokens, with top-2 of 4 experts."""
    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 40,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "global_head_dim": 16,
        "num_global_key_value_heads": 1,
        "sliding_window": WINDOW,
        "num_experts": 4,
        "top_k_experts": 2,
        "moe_intermediate_size": 12,
        "max_position_embeddings": 256,
    }
    vision = {
        "model_type": "gemma4_vision",
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "patch_size": 4,
        "position_embedding_size": 4,
        "pooling_kernel_size": 1,
    }
    return DiffusionGemmaConfig(text_config=text, vision_config=vision, canvas_length=16)


def tiny_text_configuration() -> DiffusionGemmaTextConfig:
    """The text part of it."""
    text = tiny_configuration().text_config
    if not isinstance(text, DiffusionGemmaTextConfig):
        raise TypeError("the text configuration is a plain dictionary")
    return text


def tiny_backbone(seed: int = 0) -> TrainableBackbone:
    """A random lean model, its norms and scales off their initial values."""
    torch.manual_seed(seed)
    model = TrainableBackbone(tiny_text_configuration())
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(0.5, 1.5)
        model.embed_tokens.weight.mul_(10)
    return model


def random_batch(seed: int, *, rows: int = 2, context: int = 20, canvases: int = 2, length: int = 9) -> TrainingBatch:
    """A batch whose canvases are free in their middle third, in full noise."""
    generator = torch.Generator().manual_seed(seed)
    free = torch.zeros(rows, canvases, length, dtype=torch.bool)
    free[:, :, length // 3 : 2 * length // 3] = True
    return TrainingBatch(
        context_ids=torch.randint(VOCABULARY, (rows, context), generator=generator),
        context_lengths=torch.full((rows,), context),
        canvas_ids=torch.randint(VOCABULARY, (rows, canvases, length), generator=generator),
        canvas_lengths=torch.full((rows, canvases), length),
        free=free,
        levels=torch.ones(rows, canvases),
    )
