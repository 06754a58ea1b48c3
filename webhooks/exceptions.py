"""What can go wrong with endpoints and deliveries. Each docstring says when it is raised; the message says what to do."""

from __future__ import annotations

from jobs.exceptions import InvalidParameters


class InvalidEndpoint(InvalidParameters):
    """Raised when an endpoint is to be something that it cannot be; names each field."""


class InvalidInboundSource(InvalidParameters):
    """Raised when an inbound source is to be something that it cannot be; names each field."""


class UnreadableDelivery(Exception):
    """Raised when what arrived, although its signature is right, cannot be read; the message says what should be there."""

    def __init__(self, message: str, *, code: str = "unreadable") -> None:
        self.code = code
        super().__init__(message)


class IllegalState(Exception):
    """Raised when something is asked for that the present state of an endpoint or a delivery does not allow."""

    def __init__(self, message: str, *, code: str = "illegal_state") -> None:
        self.code = code
        super().__init__(message)
