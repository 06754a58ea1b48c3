"""Matching packages in use: once each, again when touched, aliases joined, in any order of imports."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commandcenter.advisories import lookup
from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.matching import match_chunk, match_stale
from commandcenter.advisories.models import Advisory, Match, PackageVersion
from commandcenter.advisories.osv import read_record
from commandcenter.advisories.storing import store
from commandcenter.advisories.tests.corpus import CRITICAL, HIGH, affected, record, since, use, write_zip

pytestmark = pytest.mark.django_db


def known(*rows: PackageVersion) -> list[Any]:
    match_stale(seconds=10)
    found = lookup.known(row.purl for row in rows)
    return [found[row.purl].vulnerabilities for row in rows]


def load(tmp_path: Path, *records: dict[str, Any]) -> None:
    import_dump(write_zip(tmp_path / "all.zip", records))


@pytest.mark.parametrize(
    ("osv", "ecosystem", "written", "name", "affected_version", "clean_version", "events"),
    [
        ("npm", "npm", "@quill/pen", "@quill/pen", "1.2.0-rc.1", "1.2.0", since("0", "1.2.0")),
        ("PyPI", "pypi", "Ink_Well.Pro", "ink-well-pro", "1.0.post1", "1!0.1", since("1.0", "2.0")),
        ("Go", "golang", "example.com/nib", "example.com/nib", "v1.0.1-0.20200101000000-aaaaaaaaaaaa", "v1.0.1",
         since("0", "1.0.1")),
        ("crates.io", "cargo", "blot_ter", "blot-ter", "0.9.0", "0.10.0", since("0.1.0", "0.10.0")),
        ("Maven", "maven", "org.quill:pen", "org.quill:pen", "1.0-rc-1", "1.0.RELEASE", since("0", "1.0")),
        ("NuGet", "nuget", "Quill.Pen", "quill.PEN", "1.0.0.9", "1.0.0.10", since("0", "1.0.0.10")),
        ("RubyGems", "gem", "quill", "quill", "1.0.0.rc1", "1.0.0", since("0", "1.0.0")),
        ("Packagist", "composer", "Quill/Pen", "quill/pen", "v1.0.0-RC1", "v1.0.0", since("0", "1.0.0")),
        ("Pub", "pub", "quill", "quill", "1.0.0+1", "1.0.0+2", since("0", "1.0.0+2")),
        ("Hex", "hex", "quill", "quill", "1.0.0-rc.1", "1.0.0", since("0", "1.0.0")),
        ("GitHub Actions", "githubactions", "Quill/Pen", "quill/pen", "v1.9.0", "v2.0.0", since("0", "2.0.0")),
        ("SwiftURL", "swift", "https://github.com/Quill/Ink.git", "github.com/quill/ink", "1.9.0", "2.0.0", since("0", "2.0.0")),
    ],
)  # fmt: skip
def test_each_ecosystem_has_its_names_and_its_order(  # noqa: PLR0917  (a row of the table)
    tmp_path: Path, osv: str, ecosystem: str, written: str, name: str, affected_version: str, clean_version: str,
    events: list[Any],
) -> None:  # fmt: skip
    load(tmp_path, record("A-1", affected(osv, written, *events)))
    bad, good = use(ecosystem, name, affected_version), use(ecosystem, name, clean_version)
    other = use(ecosystem, f"{name}x", affected_version)
    is_bad, is_good, is_other = known(bad, good, other)
    assert [problem["id"] for problem in is_bad] == ["A-1"]
    assert is_good == []
    assert is_other == []


def test_a_problem_says_what_is_known_of_it(tmp_path: Path) -> None:
    load(
        tmp_path,
        record(
            "GHSA-1",
            affected("npm", "quill", *since("1.0.0", "1.4.0")),
            severity=[HIGH],
            aliases=["CVE-2026-1"],
            references=[
                {"type": "WEB", "url": "https://w.example/1"},
                {"type": "ADVISORY", "url": "https://a.example/1"},
            ],
        ),
    )
    assert known(use("npm", "quill", "1.1.0")) == [
        [
            {
                "id": "GHSA-1",
                "aliases": ["CVE-2026-1"],
                "severity": "high",
                "cvss_score": 7.5,
                "summary": "What GHSA-1 says",
                "fixed_in": ["1.4.0"],
                "url": "https://a.example/1",
            }
        ]
    ]


def test_aliases_are_one_problem_and_the_record_that_knows_its_severity_speaks(tmp_path: Path) -> None:
    package = affected("PyPI", "quill", *since("0", "2.0"))
    load(
        tmp_path,
        record("PYSEC-1", package, aliases=["CVE-2026-1"]),
        record("GHSA-1", package, aliases=["CVE-2026-1"], severity=[CRITICAL]),
        record("OSV-7", package, aliases=["PYSEC-1"]),
        record("PYSEC-2", package),
    )
    row = use("pypi", "quill", "1.0")
    (problems,) = known(row)
    assert [(each["id"], each["severity"]) for each in problems] == [
        ("GHSA-1", "critical"),
        ("PYSEC-2", None),
    ]
    assert problems[0]["aliases"] == ["CVE-2026-1", "OSV-7", "PYSEC-1"]
    row.refresh_from_db()
    assert (row.problems, row.worst) == (2, 4)


def test_without_a_database_of_its_ecosystem_nothing_is_known(tmp_path: Path) -> None:
    load(tmp_path, record("GHSA-1", affected("npm", "quill", *since("0"))))
    assert known(use("pypi", "quill", "1.0"), use("npm", "other", "1.0.0")) == [None, []]


def test_what_was_not_matched_yet_is_unknown(tmp_path: Path) -> None:
    load(tmp_path, record("GHSA-1", affected("npm", "quill", *since("0"))))
    row = use("npm", "quill", "1.0.0")
    assert lookup.known([row.purl])[row.purl].vulnerabilities is None


def test_a_version_that_cannot_be_read_is_unknown_and_counted(tmp_path: Path) -> None:
    load(tmp_path, record("GHSA-1", affected("Packagist", "quill/pen", *since("0"), versions=["dev-old"])))
    rows = [use("composer", "quill/pen", "dev-master"), use("composer", "quill/pen", "dev-old")]
    unknown, named = known(*rows)
    assert unknown is None
    assert [each["id"] for each in named] == ["GHSA-1"]
    unreadable = PackageVersion.objects.filter(unreadable=True).order_by("version")
    assert list(unreadable.values_list("version", flat=True)) == ["dev-master", "dev-old"]


def test_a_record_that_names_only_commits_leaves_its_package_unknown(tmp_path: Path) -> None:
    git = affected("Go", "example.com/nib", *since("0"), kind="GIT")
    load(
        tmp_path, record("GO-1", git), record("GO-2", affected("Go", "example.com/cap", *since("0", "1.0.0")))
    )
    assert known(use("golang", "example.com/nib", "v1.0.0"), use("golang", "example.com/cap", "v1.0.0")) == [
        None,
        [],
    ]


def test_a_new_package_is_matched_once(tmp_path: Path) -> None:
    load(tmp_path, record("GHSA-1", affected("npm", "quill", *since("0", "2.0.0"))))
    rows = [use("npm", "quill", f"1.0.{n}") for n in range(5)]
    assert match_chunk(limit=3) == 3
    assert match_stale(seconds=10) == 2
    assert match_stale(seconds=10) == 0
    written = Match.objects.order_by("pk").values_list("pk", flat=True)
    before = list(written)
    PackageVersion.objects.update(stale=True)
    match_stale(seconds=10)
    assert list(written) == before, "a match that still holds is not written again"
    assert all(len(each) == 1 for each in known(*rows))


def test_matching_costs_the_same_number_of_queries_for_any_number(
    tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    records = [record(f"GHSA-{n}", affected("npm", f"p{n % 40}", *since("0", "2.0.0"))) for n in range(200)]
    load(tmp_path, *records)
    purls = [use("npm", f"p{n}", "1.0.0").purl for n in range(100)]
    with django_assert_max_num_queries(12):
        assert match_chunk(limit=100) == 100
    with django_assert_max_num_queries(4):
        found = lookup.known(purls)
    assert sum(len(each.vulnerabilities or ()) for each in found.values()) == 200


PACKAGES = ["quill", "nib", "cap"]
VERSIONS = ["1.0.0", "1.5.0", "2.0.0-rc.1", "2.0.0", "3.1.0"]


@st.composite
def _records(draw: Any) -> list[dict[str, Any]]:
    made = []
    for number in range(draw(st.integers(2, 6))):
        begin, end = sorted(draw(st.tuples(st.sampled_from(VERSIONS), st.sampled_from(VERSIONS))))
        packages = [
            affected("npm", name, *since(draw(st.sampled_from(["0", begin])), end))
            for name in draw(st.lists(st.sampled_from(PACKAGES), min_size=1, max_size=2))
        ]
        aliases = draw(st.lists(st.sampled_from(["CVE-1", "CVE-2", "GHSA-0", "GHSA-1"]), max_size=2))
        extra: dict[str, Any] = {"withdrawn": "2026-01-01T00:00:00Z"} if draw(st.integers(0, 5)) == 0 else {}
        if draw(st.booleans()):
            extra["severity"] = [draw(st.sampled_from([HIGH, CRITICAL]))]
        for day in range(1, draw(st.integers(1, 2)) + 1):  # the same record in one or two editions
            shown = packages if day == 1 else packages[:1]
            made.append(
                record(
                    f"GHSA-{number}", *shown, aliases=aliases, modified=f"2026-03-0{day}T00:00:00Z", **extra
                )
            )
    return made


def _outcome() -> Any:
    match_stale(seconds=10)
    matches = Match.objects.values_list(
        "package_version__purl", "advisory__osv_id", "leader__osv_id", "fixed_in"
    )
    rows = PackageVersion.objects.values_list("purl", "problems", "worst", "unreadable")
    return sorted(map(str, matches)), sorted(map(str, rows))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_the_same_records_gives_the_same_matches(data: Any) -> None:
    """Whatever the order, the batches, and whether packages come before, between or after the imports."""
    records = data.draw(_records())
    outcomes = []
    for _ in range(2):
        Advisory.objects.all().delete()
        PackageVersion.objects.all().delete()
        order = data.draw(st.permutations(records))
        uses = data.draw(st.permutations([(name, version) for name in PACKAGES for version in VERSIONS]))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), min_size=1, max_size=3)))
        for begin, end in pairwise([0, *cuts, len(order)]):
            for name, version in uses[:: len(cuts)]:
                use("npm", name, version)
            if data.draw(st.booleans()):
                match_stale(seconds=10)
            store([read_record(orjson.dumps(each)) for each in order[begin:end]])
        for name, version in uses:
            use("npm", name, version)
        outcomes.append(_outcome())
    assert outcomes[0] == outcomes[1]
