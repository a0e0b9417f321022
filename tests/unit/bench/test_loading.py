"""The benchmark of loading at a small size: what it says of memory holds, and the whole path to a hole runs."""

from __future__ import annotations

from pathlib import Path

import torch

from bench.full_size import configuration
from bench.loading import measure_full, measure_load

# 22 million weights, most of them experts'.
SMALL = {
    "vocab_size": 1024,
    "hidden_size": 256,
    "intermediate_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "global_head_dim": 64,
    "num_global_key_value_heads": 1,
    "num_experts": 64,
    "moe_intermediate_size": 64,
    "sliding_window": 64,
    "max_position_embeddings": 16384,
}


def test_loading_takes_little_more_than_what_is_kept(tmp_path: Path) -> None:
    figures = measure_load(tmp_path, "int4", configuration(**SMALL))
    grown = figures["anonymous_peak"] - figures["anonymous_before"]
    # A slice being packed and what threads and allocators keep is less than the checkpoint would be.
    assert grown < figures["quantized"] + 0.02 < figures["checkpoint"]
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_streams_past_fills_holes(tmp_path: Path) -> None:
    few = configuration(**SMALL | {"num_experts": 8, "num_hidden_layers": 2})
    figures = measure_full(tmp_path, torch.device("cpu"), "int4", few, context_tokens=256)
    assert figures["positions"] == 8 + 16 + 28 + 44 + 64 + 96 + 6 * 32
    assert figures["offloaded_layers"] == 0
    assert list(tmp_path.iterdir()) == []
