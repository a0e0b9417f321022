"""Engine and infill put together: the one place that knows both. Imports torch when it loads, not before."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from dgemma_lsp.checkpoints.load_meter import LoadMeter
from dgemma_lsp.checkpoints.prepare import plan_for
from dgemma_lsp.checkpoints.resolve import Checkpoint
from dgemma_lsp.resident import degrade
from dgemma_lsp.resident.resident import Forwards, Loader, Report
from dgemma_lsp.resident.threads import set_environment, threads_for
from dgemma_lsp.wire.identity import EngineOptions
from engine.errors import DeviceMemoryError
from infill.request import Filled, InfillRequest, Progress, Span

if TYPE_CHECKING:
    from engine.cuda.denoiser import CudaDenoiser
    from engine.reference import ReferenceDenoiser
    from infill.fill import Infiller

logger = logging.getLogger(__name__)

MakeInfiller: TypeAlias = "Callable[[int], Infiller]"
"""Makes the pipeline that gives up what its level says."""

_FIRST = InfillRequest(
    text="def main():\n    value = \n    return value\n",
    holes=(Span(start=24, end=24),),
    path="main.py",
    language_id="python",
    mode="line",
)
"""An ordinary request, for a model that has served none."""

_STAGES = {"quantizing": "Quantizing the weights", "reading": "Reading the weights"}


def make_loader(checkpoint: Checkpoint, options: EngineOptions) -> Loader:
    """Make what loads a checkpoint as the options say."""

    def load(report: Report) -> ResidentModel:
        # A checkpoint is read from this machine only, whatever the libraries would like to look up.
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        set_environment()
        report("Loading the libraries", None)
        import torch

        from engine.checkpoint.config import denoise_config
        from engine.cuda.fastest import fastest
        from engine.placement.devices import device_name
        from engine.placement.faults import translated
        from engine.weights.load import LoadProgress
        from engine.weights.load import load as load_denoiser
        from engine.weights.store import cache_root
        from infill.fill import Infiller
        from infill.judge.score import scores_sanely
        from infill.profile import profile_for
        from infill.syntax.parser import load_grammars
        from infill.text.tokens import TextTokens

        meter = LoadMeter(report)
        notices: list[str] = []

        def show(progress: LoadProgress) -> None:
            meter.show(_STAGES[progress.stage], progress.done, progress.total)

        with translated():
            plan, device = plan_for(checkpoint, options)
            if device.type == "cpu" and (threads := threads_for(plan.budget.weights)):
                torch.set_num_threads(threads)
            tokens = TextTokens.load(checkpoint.directory)
            profile = profile_for(checkpoint.directory, denoise_config(checkpoint.directory))
            logger.info("%s: %s, %d layers' experts in main memory", checkpoint.name, plan.scheme, plan.offloaded)
            reference = load_denoiser(
                checkpoint.directory,
                device=device,
                scheme=plan.scheme,
                offloaded=plan.offloaded,
                context_tokens=plan.context_tokens,
                cache=cache_root(),
                source=checkpoint.name,
                progress=show,
                warn=notices.append,
            )
            report("Comparing the fast path with the reference", None)
            denoiser = fastest(reference, offloaded=plan.offloaded, warn=notices.append)
            trusted = profile.trust_encoder and scores_sanely(denoiser, tokens)
        if not trusted:
            logger.warning("This checkpoint's encoder does not score code sanely; candidates are ranked without it.")

        def make_infiller(level: int) -> Infiller:
            return Infiller(denoiser, tokens, replace(degrade.profile(profile, level), trust_encoder=trusted))

        name = device_name(device) + ("" if plan.scheme == "none" else f", {plan.scheme}")
        for notice in notices:
            logger.warning("%s", notice)
        model = ResidentModel(denoiser, make_infiller, device=name, report=report, notice=" ".join(notices))
        # What a first request makes, loads and compiles is made before a user asks.
        report("Warming up", None)
        load_grammars()
        for _ in model.fill(_FIRST):
            pass
        return model

    return load


class ResidentModel:
    """Resident weights and the pipeline over them. device, notice: see `Model`. report: takes what there is to tell
    between loads."""

    def __init__(
        self,
        denoiser: ReferenceDenoiser | CudaDenoiser,
        make_infiller: MakeInfiller,
        *,
        device: str,
        report: Report,
        notice: str = "",
    ) -> None:
        self._denoiser: ReferenceDenoiser | CudaDenoiser | None = denoiser
        self._make_infiller: MakeInfiller | None = make_infiller
        self._infiller: Infiller | None = make_infiller(0)
        self._whole_tokens = denoiser.max_context_tokens
        self._level = 0
        self._device = device
        self._report = report
        self._notice = notice

    @property
    def device(self) -> str:
        return self._device

    @property
    def notice(self) -> str:
        return self._notice

    def fill(self, request: InfillRequest) -> Forwards:
        """Begin a request. Where memory runs out, something is given up for good and the request begins anew, with the
        time that is left and the forwards already spent counted.

        Raises:
            ValueError: the model was closed.
            DeviceMemoryError: nothing is left to give up.
            DeviceLostError: the device failed.
        """
        from engine.placement.faults import translated

        began, spent = time.monotonic(), 0
        while True:
            if self._infiller is None:
                raise ValueError("the model was closed")
            try:
                forwards = self._infiller.fill(_with_time_left(request, time.monotonic() - began))
                with translated(), contextlib.closing(forwards):
                    failed = spent
                    for item in forwards:
                        spent += 1
                        yield _with_passes(item, failed)
                return
            except DeviceMemoryError:
                if self._level == degrade.LAST_LEVEL:
                    raise
            # Outside the handler, because the exception holds on to the tensors of the forward that failed.
            self._give_up()

    def close(self) -> None:
        """Let go of the weights and give their memory back to the device."""
        self._denoiser = self._infiller = self._make_infiller = None
        _collect()

    def _give_up(self) -> None:
        if self._denoiser is None or self._make_infiller is None:
            raise ValueError("the model was closed")
        self._level += 1
        self._denoiser.shrink(degrade.context_tokens(self._whole_tokens, self._level))
        self._infiller = self._make_infiller(self._level)
        _collect()
        notice = degrade.notice(self._whole_tokens, self._level)
        logger.warning("%s", notice)
        self._report(notice, None)


def _with_time_left(request: InfillRequest, elapsed_s: float) -> InfillRequest:
    if request.deadline_ms is None:
        return request
    return replace(request, deadline_ms=max(0, request.deadline_ms - round(1_000 * elapsed_s)))


def _with_passes(item: Progress | Filled, earlier: int) -> Progress | Filled:
    """The same with the forwards of earlier tries in its figures."""
    if not earlier or isinstance(item, Progress):
        return item
    return replace(item, stats=replace(item.stats, passes=item.stats.passes + earlier))


def _collect() -> None:
    """Give what is no longer used back to the device."""
    import torch

    # The model's modules refer to one another in cycles, which only a collection frees.
    gc.collect()
    if torch.cuda.is_available():
        # A device that failed cannot take anything back.
        with contextlib.suppress(RuntimeError):
            torch.cuda.empty_cache()
