"""Push messages to WebSocket groups from synchronous code: one PUBLISH in the channel layer's own wire format.

`async_to_sync(group_send)` opens a connection per call; this keeps a pool and costs a fraction. What is sent is a
hint: when the channel server is away, messages are dropped and counted, and clients catch up from the database.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cache
from typing import Any

import redis
import structlog
from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from django.conf import settings
from django.core.signals import setting_changed
from prometheus_client import Counter

logger = structlog.get_logger(__name__)

SOCKET_SECONDS = 0.5
PAUSE_SECONDS = 2.0  # after a failure: an absent server must not cost every caller its timeout
LOG_EVERY_SECONDS = 10.0
FAILURES = Counter(
    "commandcenter_realtime_failures", "Messages to WebSocket groups that could not be published."
)


class _Wire:
    """The channel layer's serializer and channel names beside a plain client of the same server."""

    def __init__(self) -> None:
        layers: dict[str, Any] = settings.CHANNEL_LAYERS
        config = dict(layers["default"]["CONFIG"])
        hosts = config["hosts"]
        if len(hosts) != 1:
            raise ValueError("CHANNEL_LAYERS must name exactly one host: messages are not sharded.")
        self.layer = RedisPubSubChannelLayer(**config)
        self.names = RedisPubSubLoopLayer(**config, channel_layer=self.layer)
        host = hosts[0]
        address = host if isinstance(host, str) else host["address"]
        self.client = redis.Redis.from_url(
            address,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            max_connections=20,
            retry=None,
            health_check_interval=30,
        )

    def channel(self, group: str) -> str:
        name: str = self.names._get_group_channel_name(group)  # noqa: SLF001  (held to the pinned layer by a test)
        return name


class _Outage:
    """When the server last failed, shared by the process's threads; plain floats, a lost update is harmless."""

    until = 0.0
    logged = 0.0


@cache
def _wire() -> _Wire:
    return _Wire()


def publish(group: str, message: dict[str, Any]) -> None:
    """Send one message to a group. Never raises and never takes longer than about a second."""
    group_send_many([(group, message)])


def group_send_many(messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Send messages to their groups in one round trip, in order. Never raises."""
    batch = list(messages)
    if not batch:
        return
    if time.monotonic() < _Outage.until:
        FAILURES.inc(len(batch))
        return
    try:
        wire = _wire()
        with wire.client.pipeline(transaction=False) as pipe:
            for group, message in batch:
                pipe.publish(wire.channel(group), wire.layer.serialize(message))
            pipe.execute()
    except (redis.RedisError, OSError) as error:
        _Outage.until = time.monotonic() + PAUSE_SECONDS
        _failed(len(batch), error)
    except (TypeError, ValueError, OverflowError) as error:  # a message that msgpack cannot pack
        _failed(len(batch), error)


def _failed(count: int, error: Exception) -> None:
    FAILURES.inc(count)
    now = time.monotonic()
    if now - _Outage.logged >= LOG_EVERY_SECONDS:
        _Outage.logged = now
        logger.warning("realtime_publish_failed", error=str(error), dropped=count)


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "CHANNEL_LAYERS":
        _wire.cache_clear()
        _Outage.until = _Outage.logged = 0.0


setting_changed.connect(_forget, dispatch_uid="commandcenter.core.realtime")
