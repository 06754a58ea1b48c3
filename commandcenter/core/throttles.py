"""The one throttle of the API: per user, else per address, by the view's `rate_limit` and two overall limits."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from commandcenter.core.addresses import client_address
from commandcenter.core.ratelimits import Usage, spend

OVERALL = ("overall_minute", "overall_hour")


class RateLimitThrottle(BaseThrottle):
    """Count a request once, note the tightest limit for the RateLimit headers, and refuse beyond it.

    `view.rate_limit` is "standard", "export", "batch" or "token", or a dict of them by action.
    """

    def __init__(self) -> None:
        self._wait: int | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Return False when any limit is used up."""
        http = request._request  # the usage must outlive DRF's request: the middleware reads it
        if hasattr(http, "rate_limit_usage"):
            return self._judge(http.rate_limit_usage)
        name = limit_name(request, view)
        address = f"address:{client_address(http)}"
        user = request.user
        key = f"user:{user.pk}" if user and user.is_authenticated and name != "token" else address
        fail_open = request.method in SAFE_METHODS and name != "token"
        spent = [spend(http, each, key, fail_open=fail_open) for each in (name, *OVERALL)]
        usages = [usage for usage in spent if usage is not None]
        tightest = min(usages, key=lambda usage: (usage.allowed, usage.remaining), default=None)
        http.rate_limit_usage = tightest  # type: ignore[attr-defined]
        return self._judge(tightest)

    def wait(self) -> float | None:
        """Return the seconds until the limit opens again."""
        return self._wait

    def _judge(self, usage: Usage | None) -> bool:
        if usage is None or usage.allowed:
            return True
        self._wait = usage.reset
        return False


def limit_name(request: Request, view: Any) -> str:
    """Return the name of the view's limit for this action."""
    declared: str | dict[str, str] = getattr(view, "rate_limit", "standard")
    if isinstance(declared, str):
        return declared
    action = getattr(view, "action", None) or (request.method or "").lower()
    return declared.get(action, "standard")
