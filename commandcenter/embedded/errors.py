"""What can go wrong around the embedded servers; each message is one sentence for the person at the terminal."""

from __future__ import annotations


class EmbeddedError(Exception):
    """A server or a step failed although everything was in place; `up` ends with code 1."""

    exit_code = 1


class Refusal(EmbeddedError):
    """The start cannot work as asked (taken port, folder in use, wrong version); `up` ends with code 2."""

    exit_code = 2


class StopRequested(Exception):
    """Somebody asked to stop before the start was complete."""
