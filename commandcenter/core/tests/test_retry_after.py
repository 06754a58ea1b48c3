"""Retry-After is a time to wait or nothing, whatever the other side says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commandcenter.core.retry_after import seconds_asked

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATE = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "Sun", "", "x"]),
    st.integers(-1, 99),
    st.sampled_from(["Jan", "Feb", "Dec", "Foo"]),
    st.integers(-1, 99_999),
    *[st.integers(-1, 99)] * 3,
    st.sampled_from(["GMT", "+0000", "-2359", "+9999", "-9999", "", "EST", "\u0660"]),
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 40, None),
        ("", None),
        (None, None),
    ],
)
def test_what_retry_after_says(header: str | None, expected: float | None) -> None:
    assert seconds_asked(header, NOW) == expected


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | DATE | st.integers().map(str) | st.just("9" * 400))
def test_any_retry_after_is_a_time_or_nothing(header: str) -> None:
    asked = seconds_asked(header, NOW)
    assert asked is None or 0 <= asked < float("inf")
