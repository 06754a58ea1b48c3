"""Calls to one server within one try: each with a deadline, all of them within one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from commandcenter.core.fetching import Answer, Elsewhere, FetchError, TooMuch, fetch
from commandcenter.core.retry_after import seconds_asked
from exports.delivery.outcomes import Later, Redirected, Refused

CALL_SECONDS = 20.0
UPLOAD_SECONDS = 60.0
TRY_SECONDS = 150.0
MAX_ANSWER = 16 << 20
LONGEST_WAIT = 24 * 3600.0


class Line:
    """What one try may still ask. A try that outlives its time asks nothing more, for its lease ends soon after."""

    def __init__(self, headers: Mapping[str, str], *, seconds: float = TRY_SECONDS) -> None:
        self._headers = headers
        self._until = time.monotonic() + seconds

    def call(
        self, method: str, url: str, body: bytes | None = None, *, seconds: float = CALL_SECONDS
    ) -> Answer:
        """Return the answer, whatever its status. Raises Later or Refused when there is none."""
        left = self._until - time.monotonic()
        if left < 1:
            raise Later("too_slow", f"The server was too slow: all calls of a try have {TRY_SECONDS:g} s.")
        try:
            return fetch(
                url,
                method=method,
                body=body,
                headers=self._headers,
                seconds=min(seconds, left),
                limit=MAX_ANSWER,
            )
        except Elsewhere as error:
            raise Redirected("redirected", str(error)) from None
        except TooMuch as error:
            raise Refused("answer_too_long", str(error)) from None
        except FetchError as error:
            raise Later("unreachable", str(error)) from None


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that an answer asks to wait, at most a day; 0 where it does not say."""
    asked = seconds_asked(headers.get("retry-after"), datetime.now(UTC))
    return min(asked or 0.0, LONGEST_WAIT)
