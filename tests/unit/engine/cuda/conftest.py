"""The fast path and the reference over one random model, on the CPU."""

from __future__ import annotations

import pytest

from engine.cuda.denoiser import CudaDenoiser
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser

CONTEXT_TOKENS = 200


@pytest.fixture(scope="session")
def reference(backbone: Backbone) -> ReferenceDenoiser:
    return ReferenceDenoiser(backbone, context_tokens=CONTEXT_TOKENS)


@pytest.fixture
def fast(backbone: Backbone) -> CudaDenoiser:
    return CudaDenoiser(backbone, context_tokens=CONTEXT_TOKENS)
