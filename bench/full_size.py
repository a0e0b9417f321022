"""The topology of google/diffusiongemma-26B-A4B-it, for what is reckoned or measured at its full size."""

from __future__ import annotations

from transformers import DiffusionGemmaConfig


def configuration(**text: int) -> DiffusionGemmaConfig:
    """The real model's shapes; keyword arguments override fields of its text half, such as `num_hidden_layers`."""
    real = {
        "vocab_size": 262_144,
        "hidden_size": 2816,
        "intermediate_size": 2112,
        "num_hidden_layers": 30,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 256,
        "global_head_dim": 512,
        "num_global_key_value_heads": 2,
        "num_experts": 128,
        "top_k_experts": 8,
        "moe_intermediate_size": 704,
        "sliding_window": 1024,
        "max_position_embeddings": 262_144,
    }
    return DiffusionGemmaConfig(text_config=real | text, canvas_length=256)
