"""The fused norm is transformers' norm."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import DiffusionGemmaRMSNorm

from engine.model.norm import FusedNorm

WIDTH = 48


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
def test_it_is_what_transformers_computes(scaled: bool, dtype: torch.dtype, tolerance: float) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = (3 * torch.randn(2, 5, WIDTH, generator=generator)).to(dtype)
    theirs = DiffusionGemmaRMSNorm(WIDTH, eps=1e-4, with_scale=scaled)
    weight = nn.Parameter(torch.randn(WIDTH, generator=generator).to(dtype)) if scaled else None
    if weight is not None:
        theirs.weight = weight
    torch.testing.assert_close(FusedNorm(weight, 1e-4)(hidden), theirs(hidden), atol=tolerance, rtol=tolerance)
