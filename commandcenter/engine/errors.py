"""The engine's one exception family. Each carries a stable `code` and a message that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commandcenter.engine.process import KillReceipt


class EngineError(Exception):
    """The engine could not do what was asked."""

    code = "engine_error"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable


class SourceError(EngineError):
    """The source cannot be read: unreachable, not allowed, not a repository, empty, or over a limit.

    Codes: source_invalid, source_forbidden, source_unreachable, source_not_found, source_empty, source_too_large,
    archive_invalid, archive_bomb, ref_not_found.
    """

    code = "source_invalid"


class EngineUnavailable(EngineError):
    """An engine's tool is missing or does not start here."""

    code = "engine_unavailable"


class EngineCrashed(EngineError):
    """The engine process ended without an answer: a crash, the memory watchdog, or a kill."""

    code = "engine_crashed"
    retryable = True


class EngineTimeout(EngineError):
    """A tool or the whole run took longer than its limit."""

    code = "engine_timeout"


class EngineCancelled(EngineError):
    """Somebody asked for the work to stop. `receipt` says what was ended for it, where a program ran."""

    code = "cancelled"
    receipt: KillReceipt | None = None
