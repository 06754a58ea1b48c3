"""Counting requests against settings.RATE_LIMITS in the shared cache, and in this process while it is away."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import redis
import structlog
from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from django_redis.exceptions import ConnectionInterrupted

logger = structlog.get_logger(__name__)

AWAY_SECONDS = 5.0  # how long the cache is left alone after it failed
LOCAL_KEYS = 10_000
_PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Usage:
    """What is left of one limit; `reset` is the number of seconds until the window ends."""

    name: str
    limit: int
    remaining: int
    reset: int
    allowed: bool


class _LocalCounts:
    """Fixed windows in this process: the bound that stays when the cache is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], int] = {}

    def spend(self, name: str, key: str, rate: str) -> Usage:
        """Count one request."""
        limit, period = split_rate(rate)
        now = int(time.time())
        window = now - now % period + period
        with self._lock:
            if len(self._counts) >= LOCAL_KEYS:
                self._counts = {k: count for k, count in self._counts.items() if k[1] > now}
                if len(self._counts) >= LOCAL_KEYS:
                    self._counts.clear()
            slot = (f"{name}:{key}", window)
            count = self._counts[slot] = self._counts.get(slot, 0) + 1
        return Usage(name, limit, max(0, limit - count), window - now, count <= limit)


class _Cache:
    """Until when the cache counts as away; a lost update between threads is harmless."""

    away_until = 0.0


_local = _LocalCounts()


def split_rate(rate: str) -> tuple[int, int]:
    """Return (requests, seconds) of a rate such as 100/m or 5/10s."""
    count, _, period = rate.partition("/")
    return int(count), int(period[:-1] or 1) * _PERIODS[period[-1]]


def spend(request: HttpRequest, name: str, key: str, *, fail_open: bool) -> Usage | None:
    """Count one request of `key` against the limit `name`.

    Return None when there is no such limit, or when the cache is away and `fail_open` says to let it pass.
    """
    rate = settings.RATE_LIMITS.get(name)
    if rate is None:
        return None
    if time.monotonic() >= _Cache.away_until:
        try:
            usage = get_usage(
                request, group=f"cc:{name}", key=lambda _group, _request: key, rate=rate, increment=True
            )
        except (ConnectionInterrupted, redis.RedisError, OSError) as error:
            _Cache.away_until = time.monotonic() + AWAY_SECONDS
            logger.warning("rate_limit_cache_away", error=str(error))
        else:
            if usage is not None and usage["limit"] > 0:
                left = max(0, usage["limit"] - usage["count"])
                reset = max(1, usage["time_left"])
                return Usage(name, usage["limit"], left, reset, not usage["should_limit"])
    return None if fail_open else _local.spend(name, key, rate)
