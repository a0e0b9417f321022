"""The embedded checkpoint's architecture: the real model's class and layer pattern, small."""

from __future__ import annotations

from transformers import DiffusionGemmaConfig, DiffusionGemmaTextConfig

from bench.nano.tokenizer import VOCABULARY_SIZE


def text_configuration(**changes: int) -> DiffusionGemmaTextConfig:
    """The text part of `configuration`."""
    text = configuration(**changes).text_config
    if not isinstance(text, DiffusionGemmaTextConfig):
        raise TypeError(f"transformers made a {type(text).__name__} of the text configuration")
    return text


def configuration(**changes: int) -> DiffusionGemmaConfig:
    """Five sliding layers and a full one, a dense MLP beside eight narrow experts, and the smallest vision tower that
    lets stock transformers load the whole.

    changes: to the text part, for shapes that the shipped one is compared with.
    """
    text: dict[str, int] = {
        "vocab_size": VOCABULARY_SIZE,
        "hidden_size": 256,
        "intermediate_size": 256,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "global_head_dim": 128,
        "num_global_key_value_heads": 1,
        "sliding_window": 512,
        "max_position_embeddings": 8192,
        "num_experts": 8,
        "top_k_experts": 2,
        "moe_intermediate_size": 128,
    } | changes
    vision = {
        "model_type": "gemma4_vision",
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "patch_size": 4,
        "position_embedding_size": 16,
        "pooling_kernel_size": 1,
    }
    return DiffusionGemmaConfig(
        text_config=text,
        vision_config=vision,
        canvas_length=256,
        # Ids past the vocabulary, which no text can have: transformers compares every prompt with them.
        boi_token_id=VOCABULARY_SIZE,
        eoi_token_id=VOCABULARY_SIZE + 1,
        image_token_id=VOCABULARY_SIZE + 2,
    )
