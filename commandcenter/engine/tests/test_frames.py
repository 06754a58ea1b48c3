"""Frames survive any split of the pipe, and say so when they are broken."""

from __future__ import annotations

import os

import pytest

from commandcenter.engine.frames import BrokenFrame, FrameBuffer, encode, read


def test_messages_come_out_whole_however_the_bytes_arrive() -> None:
    sent = [{"type": "log", "message": "ä" * n} for n in (0, 1, 300)]
    stream = b"".join(encode(message, maximum=10_000) for message in sent)
    for step in (1, 3, 7, len(stream)):
        buffer = FrameBuffer(10_000)
        received = []
        for start in range(0, len(stream), step):
            buffer.feed(stream[start : start + step])
            while (message := buffer.next()) is not None:
                received.append(message)
        assert received == sent
        assert not buffer.partial


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff{}", b"\0\0\0\x02[]", b"\0\0\0\x03{x}"])
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    buffer = FrameBuffer(1000)
    buffer.feed(data)
    with pytest.raises(BrokenFrame):
        buffer.next()


def test_a_stream_that_ends_inside_a_frame_is_broken() -> None:
    out, into = os.pipe()
    os.write(into, encode({"a": 1}, maximum=100)[:-1])
    os.close(into)
    with pytest.raises(BrokenFrame):
        read(out, FrameBuffer(100))
    os.close(out)


def test_too_large_a_message_is_refused_before_it_is_sent() -> None:
    with pytest.raises(BrokenFrame):
        encode({"a": "x" * 1000}, maximum=100)


def test_text_that_a_database_does_not_take_is_replaced() -> None:
    buffer = FrameBuffer(1000)
    buffer.feed(encode({"a": ["x\0y", "lone \udc80"]}, maximum=1000))
    assert buffer.next() == {"a": ["x\N{REPLACEMENT CHARACTER}y", "lone ?"]}
