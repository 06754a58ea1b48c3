"""How a try to deliver may end, other than well."""

from __future__ import annotations


class DeliveryError(Exception):
    """The delivery was not made; the message is shown to people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Refused(DeliveryError):
    """It will not be taken however often it is sent."""


class Redirected(Refused):
    """The other side points elsewhere, which is not followed."""


class Later(DeliveryError):
    """It may be taken later: not before `seconds` are over, where the other side said so."""

    def __init__(self, code: str, message: str, *, seconds: float = 0.0) -> None:
        super().__init__(code, message)
        self.seconds = seconds


class StillWorking(Later):
    """It was taken, and the other side is not done with it: no failure."""


class LeaseLost(Exception):
    """Somebody else makes this delivery by now, or it is gone: say nothing more about it."""
