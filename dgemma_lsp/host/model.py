"""Engine and infill put together: the one place that knows both. Imports torch when it loads, not before."""

from __future__ import annotations

import gc
import logging
import os
from typing import TYPE_CHECKING

from dgemma_lsp.host.checkpoint import Checkpoint
from dgemma_lsp.host.identity import EngineOptions
from dgemma_lsp.host.jobs import Forwards
from dgemma_lsp.host.resident import Loader, Report
from infill.request import InfillRequest

if TYPE_CHECKING:
    from infill.fill import Infiller

logger = logging.getLogger(__name__)


def make_loader(checkpoint: Checkpoint, options: EngineOptions) -> Loader:
    """Make what loads a checkpoint as the options say."""

    def load(report: Report) -> ResidentModel:
        # A checkpoint is read from this machine only, whatever the libraries would like to look up.
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        report("Loading the libraries", None)
        import torch

        from engine.configuration import denoise_config
        from engine.load import LoadProgress
        from engine.load import load as load_denoiser
        from infill.fill import Infiller
        from infill.rank import scores_sanely
        from infill.tokens import TextTokens

        def show(progress: LoadProgress) -> None:
            # Whole percents, because a checkpoint may have thousands of tensors and every change is told.
            report("Loading the weights", round(progress.done / progress.total, 2))

        device = options.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        tokens = TextTokens.load(checkpoint.directory)
        config = denoise_config(checkpoint.directory)
        denoiser = load_denoiser(checkpoint.directory, device=device, progress=show)
        name = f"cuda ({torch.cuda.get_device_name()})" if device == "cuda" else device
        trusted = scores_sanely(denoiser, tokens)
        if not trusted:
            logger.warning("This checkpoint's encoder does not score code sanely; candidates are ranked without it.")
        return ResidentModel(Infiller(denoiser, tokens, config, trust_encoder=trusted), device=name)

    return load


class ResidentModel:
    """Resident weights and the pipeline over them. device: for the user to read."""

    def __init__(self, infiller: Infiller, *, device: str) -> None:
        self._infiller: Infiller | None = infiller
        self._device = device

    @property
    def device(self) -> str:
        return self._device

    def fill(self, request: InfillRequest) -> Forwards:
        """Begin a request.

        Raises:
            ValueError: the model was closed.
        """
        if self._infiller is None:
            raise ValueError("the model was closed")
        yield from self._infiller.fill(request)

    def close(self) -> None:
        """Let go of the weights and give their memory back to the device."""
        import torch

        self._infiller = None
        # The model's modules refer to one another in cycles, which only a collection frees.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
