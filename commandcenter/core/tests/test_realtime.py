"""What we publish is what the pinned channel layer receives; an absent server costs nobody anything."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer

from commandcenter.core import realtime


async def _receive(publish: Any, count: int, group: str = "job.7") -> list[Any]:
    layer = get_channel_layer()
    assert isinstance(layer, RedisPubSubChannelLayer)
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    await asyncio.to_thread(publish)
    received = [await asyncio.wait_for(layer.receive(channel), 5) for _ in range(count)]
    await layer.flush()
    return received


async def test_layer_receives_what_was_published() -> None:
    message = {
        "type": "job.event",
        "seq": 8,
        "nested": {"text": "ü \U0001f600", "list": [1, None, 2.5, True]},
    }
    assert await _receive(lambda: realtime.publish("job.7", message), 1) == [message]


async def test_many_messages_arrive_in_order_and_only_in_their_group() -> None:
    batch = [("job.7" if number % 2 else "job.8", {"type": "x", "number": number}) for number in range(10)]
    received = await _receive(lambda: realtime.group_send_many(batch), 5)
    assert [message["number"] for message in received] == [1, 3, 5, 7, 9]


async def test_layer_and_we_name_channels_alike() -> None:
    """The layer's own group_send and ours reach the same subscriber."""
    layer = get_channel_layer()

    async def theirs() -> None:
        await layer.group_send("job.7", {"type": "theirs"})

    def both() -> None:
        asyncio.run(theirs())
        realtime.publish("job.7", {"type": "ours"})

    assert [m["type"] for m in await _receive(both, 2)] == ["theirs", "ours"]


def test_absent_server_is_quick_counted_and_not_raised(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            **settings.CHANNEL_LAYERS["default"],
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"], "prefix": "cc"},
        }
    }
    before = realtime.FAILURES._value.get()
    start = time.monotonic()
    for number in range(50):
        realtime.publish("job.7", {"type": "x", "number": number})
    assert time.monotonic() - start < 2
    assert realtime.FAILURES._value.get() - before == 50


def test_server_that_hangs_is_left_after_half_a_second(settings: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        settings.CHANNEL_LAYERS = {
            "default": {**settings.CHANNEL_LAYERS["default"], "CONFIG": {"hosts": [address], "prefix": "cc"}}
        }
        start = time.monotonic()
        realtime.publish("job.7", {"type": "x"})
        realtime.publish("job.7", {"type": "x"})
        assert time.monotonic() - start < 3


def test_message_that_cannot_be_packed_is_swallowed() -> None:
    before = realtime.FAILURES._value.get()
    realtime.publish("job.7", {"type": "x", "bad": object()})
    realtime.publish("job.7", {"type": "x", "bad": 2**80})
    assert realtime.FAILURES._value.get() - before == 2
