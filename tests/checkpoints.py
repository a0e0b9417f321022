"""Small random checkpoints of the real topology, made on the spot: tests download nothing."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import DiffusionGemmaConfig, DiffusionGemmaForBlockDiffusion

VOCABULARY = 96
WINDOW = 8
CANVAS = 12

_TEXT: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    # Five sliding layers to one full layer, whose values are its keys.
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "global_head_dim": 32,
    "num_global_key_value_heads": 1,
    "num_experts": 128,
    "top_k_experts": 8,
    "moe_intermediate_size": 8,
    "sliding_window": WINDOW,
    "max_position_embeddings": 512,
}
_VISION: dict[str, Any] = {
    "model_type": "gemma4_vision",
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "patch_size": 4,
    "position_embedding_size": 16,
    "pooling_kernel_size": 1,
}


def make_model(seed: int = 0, **text: Any) -> DiffusionGemmaForBlockDiffusion:  # noqa: ANN401 - configuration values.
    """A random model in float32; keyword arguments override fields of its text configuration.

    Its weights are larger than a fresh model's, so that distributions differ from place to place and from step to step.
    Self-conditioning and attention are kept gentle: otherwise the feedback multiplies a rounding error by ten a step,
    and two right computations drift apart. The layers' scalars differ between encoder and decoder.
    """
    torch.manual_seed(seed)
    config = DiffusionGemmaConfig(text_config=_TEXT | text, vision_config=_VISION, canvas_length=CANVAS)
    model = DiffusionGemmaForBlockDiffusion(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("q_norm.weight"):
                parameter.mul_(0.3)
            elif "embed_tokens" in name:
                parameter.mul_(32.0)
            elif parameter.ndim > 1 and "vision" not in name:
                parameter.mul_(2.0 if "self_conditioning" in name else 8.0)
        for name, buffer in model.named_buffers():
            if name.endswith("layer_scalar"):
                buffer.copy_(torch.rand(1) + 0.5)
    return model


def save(model: DiffusionGemmaForBlockDiffusion, directory: Path) -> Path:
    """Writes the model as several shards with an index."""
    model.save_pretrained(directory, max_shard_size="500KB")
    return directory
