"""Lines over time as SVG paths."""

from __future__ import annotations

from datetime import UTC, date, datetime

from commandcenter.dashboard.charts import HEIGHT, WIDTH, Series, line_chart


def test_gaps_are_as_wide_as_they_were_long_and_the_scale_begins_at_zero() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 5)]
    chart = line_chart("x", days, [Series("a", [0, 5, 10])])
    assert chart
    assert chart["top"] == 10
    assert chart["lines"][0]["path"] == f"M0.0 {HEIGHT}.0L{WIDTH / 4} {HEIGHT / 2}L{WIDTH}.0 0.0"


def test_what_was_not_measured_is_a_gap_in_the_line_and_one_between_gaps_a_dot() -> None:
    times = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in (0, 6, 12)]
    chart = line_chart("x", times, [Series("a", [1, None, 1])])
    assert chart
    assert chart["lines"][0]["path"] == f"M0.0 0.0h0M{WIDTH}.0 0.0h0"


def test_one_point_is_no_line_and_nothing_but_zero_is_a_flat_one() -> None:
    assert line_chart("x", [date(2026, 1, 1)], [Series("a", [1])]) is None
    flat = line_chart("x", [date(2026, 1, 1), date(2026, 1, 2)], [Series("a", [0, 0])])
    assert flat
    assert flat["lines"][0]["path"] == f"M0.0 {HEIGHT}.0L{WIDTH}.0 {HEIGHT}.0"
