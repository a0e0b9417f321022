"""A training state to a checkpoint directory as stock transformers writes and reads it."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import torch
from transformers import DiffusionGemmaForBlockDiffusion

from bench.nano.shape import configuration
from engine.train.loop import STATE_FILE

SHARD_SIZE = "6MB"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
# The real model's values; 5 is this vocabulary's end of a turn.
GENERATION = {
    "max_new_tokens": 256,
    "max_denoising_steps": 48,
    "sampler_config": {"_cls_name": "EntropyBoundSamplerConfig", "entropy_bound": 0.1},
    "t_max": 0.8,
    "t_min": 0.4,
    "stability_threshold": 1,
    "confidence_threshold": 0.005,
    "bos_token_id": 2,
    "pad_token_id": 0,
    "eos_token_id": [1, 5],
}


def export(run: Path, directory: Path, *, tokenizer: Path) -> None:
    """Put config, tokenizer and the bfloat16 weights that a training run has left into `directory`, each file by
    replacement, the index last.

    The vision tower keeps its initial weights: it is there so that stock transformers finds every tensor.
    """
    weights = torch.load(run / STATE_FILE, weights_only=True)["model"]
    torch.manual_seed(0)
    model = DiffusionGemmaForBlockDiffusion(configuration())
    names = {f"model.decoder.{name}": tensor for name, tensor in weights.items()}
    unknown = model.load_state_dict(names, strict=False).unexpected_keys
    if unknown:
        raise ValueError(f"the model has no tensors {unknown}")
    model.tie_weights()
    model.bfloat16()
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=run) as scratch:
        made = Path(scratch)
        model.save_pretrained(made, max_shard_size=SHARD_SIZE)
        (made / "generation_config.json").write_text(json.dumps(GENERATION, indent=2) + "\n")
        for name in TOKENIZER_FILES:
            shutil.copy(tokenizer / name, made / name)
        for path in sorted(made.iterdir(), key=lambda path: path.name.endswith("index.json")):
            shutil.copyfile(path, directory / f"{path.name}.partial")
            (directory / f"{path.name}.partial").replace(directory / path.name)
