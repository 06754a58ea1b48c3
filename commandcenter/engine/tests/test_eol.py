"""The shipped dates are consistent, and a verdict depends on the day alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from commandcenter.engine.eol import BadData, lifetimes, parse
from commandcenter.engine.practices import platforms

WANTED = "python nodejs ruby php go java dotnet django rails laravel spring-boot angular vue postgresql mysql mariadb"
IMAGES = set(platforms._IMAGES.values()) - {"terraform"}  # whose maker publishes no dates


def test_the_shipped_file_is_consistent_and_not_from_the_future() -> None:
    known = lifetimes()  # parse() refuses dates out of order and cycles that are no numbers
    assert known.as_of <= datetime.now(UTC).date()
    assert set(WANTED.split()) | IMAGES <= set(known.cycles)
    for cycles in known.cycles.values():
        ordered = sorted(cycles.values(), key=lambda c: tuple(map(int, c.cycle.split("."))))
        assert [c.released for c in ordered] == sorted(c.released for c in ordered)
        assert all(c.page.startswith("https://") for c in ordered)
        assert all(c.released <= known.as_of for c in ordered)


@pytest.mark.parametrize(
    ("days", "severity"),
    [
        (-1, "high"),
        (0, "medium"),
        (31, "medium"),
        (32, "low"),
        (92, "low"),
        (93, "info"),
        (183, "info"),
        (184, None),
    ],
)
def test_severity_rises_towards_the_end(days: int, severity: str | None) -> None:
    cycle = lifetimes().cycles["python"]["3.9"]
    verdict = lifetimes().verdict("python", "3.9.18", cycle.ends - timedelta(days=days))
    assert (verdict.severity if verdict else None) == severity
    assert verdict is None or verdict.ended is (days < 0)


@pytest.mark.parametrize(
    ("product", "version", "cycle"),
    [
        ("python", "3.10.4", "3.10"),
        ("python", "3.1", None),
        ("nodejs", "18", "18"),
        ("postgresql", "9.6.24", "9.6"),
        ("ubuntu", "22.04", "22.04"),
        ("python", "3", None),
        ("cobol", "1", None),
    ],
)
def test_a_version_is_matched_by_whole_numbers(product: str, version: str, cycle: str | None) -> None:
    found = lifetimes().cycle_of(product, version)
    assert (found.cycle if found else None) == cycle


@pytest.mark.parametrize(
    "cycles",
    ['{"1": [2020-01-02, null, 2020-01-01]}', "{1: [2020-01-01, null, 2021-01-01]}", '{"1": [x, null, 2021-01-01]}',
     '{"1": [2020-01-01, 2022-01-01, 2021-01-01]}', '{"a": [2020-01-01, null, 2021-01-01]}'],
)  # fmt: skip
def test_a_file_that_contradicts_itself_is_refused(cycles: str) -> None:
    with pytest.raises(BadData):
        parse(
            f"as_of: 2024-01-01\nproducts: {{p: {{name: P, page: 'https://example.org', cycles: {cycles}}}}}"
        )


def test_as_of_must_be_a_date() -> None:
    with pytest.raises(BadData):
        parse("as_of: soon\nproducts: {}")


def test_days_are_compared_not_moments() -> None:
    assert lifetimes().verdict("debian", "10", date(2030, 1, 1)) == lifetimes().verdict(
        "debian", "10.3", date(2031, 1, 1)
    )
