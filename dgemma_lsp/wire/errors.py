"""What a request to the engine can end with beside an answer. Plain `EngineError`s are the engine's own."""

from engine.errors import EngineError


class Superseded(Exception):  # noqa: N818 - the protocol's word for an outcome, which is no error
    """A newer request of the same owner took this one's place."""


class EngineUnavailable(EngineError):  # noqa: N818 - says a state; `EngineError` is the error
    """There is no engine to ask: it died, or it could not be started. The next request tries again."""


class EngineEnded(EngineUnavailable):
    """It ended in mid-answer."""

    def __init__(self) -> None:
        super().__init__("The engine ended before it had answered; the next request starts it again.")


class EngineUnresponsive(EngineUnavailable):
    """There is an engine, but it hangs: it says nothing, or its model does not finish a step. It has to be ended."""


class NotAnsweredError(Exception):
    """Nobody is where a host was, or it died before it answered. Stays inside this package."""
