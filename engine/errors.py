"""Errors that the user can mend, each with one clear message; the engine raises nothing else on purpose.

Knows no text, editor or HTTP. What is merely absent (no good candidate) is a `Rejection` of the layer above, not an
exception.
"""


class EngineError(Exception):
    """A failure the user can act on: the message names the file or figure and the next step, and has no traceback."""


class CheckpointError(EngineError):
    """The checkpoint is missing, truncated, foreign or inconsistent; the message names the file."""


class ContextTooLongError(EngineError):
    """The prompt needs more KV tokens than the context pool may hold; the message gives both numbers."""


class DoesNotFitError(EngineError):
    """The model needs more memory than there is; the message gives both, and what would fit."""


class CacheError(EngineError):
    """Quantized weights cannot be kept on disk; the message names the directory and the figure or the reason."""


class DeviceMemoryError(EngineError):
    """The device's memory ran out while it computed, as it does where another program takes its share."""


class DeviceLostError(EngineError):
    """The device failed while it computed, as some do after the machine slept; nothing on it can be used any more."""
