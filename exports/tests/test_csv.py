"""CSV: what RFC 4180 asks for, harmless in spreadsheets, one table of each kind and one of all."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import Database
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    make_repository,
    make_user,
    messages,
    technology_row,
)
from exports.formats.csv_table import COMBINED, TABLES, harmless
from exports.options import read
from exports.registry import ExportSource, format_named
from exports.tests.small import compare, small
from exports.tests.test_formats import HOSTILE, export

pytestmark = pytest.mark.django_db
TYPES = ("combined", *TABLES)
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def rows(written: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written.decode(), newline=""), strict=True))


def table(analysis: Any, export_type: str = "combined") -> list[dict[str, str]]:
    return rows(export(analysis, "csv", export_type=export_type))


@pytest.fixture
def repository() -> Any:
    return make_repository()


@pytest.mark.parametrize("export_type", TYPES)
def test_a_small_analysis_is_written_as_it_was(tmp_path: Path, export_type: str) -> None:
    compare("csv", f"{export_type}.csv", export(small(tmp_path), "csv", export_type=export_type).decode())


@pytest.mark.parametrize("export_type", TYPES)
def test_the_sniffer_finds_commas_quotes_and_a_header(tmp_path: Path, export_type: str) -> None:
    written = export(small(tmp_path), "csv", export_type=export_type).decode()
    dialect = csv.Sniffer().sniff(written)
    assert (dialect.delimiter, dialect.quotechar) == (",", '"')
    lines = list(csv.reader(io.StringIO(written, newline=""), strict=True))
    assert len({len(line) for line in lines}) == 1
    assert len(lines) > 2
    assert written.endswith("\r\n")


def test_combined_holds_the_rows_of_every_kind_with_the_same_cells(tmp_path: Path) -> None:
    analysis = small(tmp_path)
    combined = table(analysis)
    for kind in COMBINED:
        own = table(analysis, kind.name)
        cells = own[0].keys()
        there = [row for row in combined if row["kind"] == kind.row]
        assert [{name: row[name] for name in cells} for row in there] == own
        assert all(not row[name] for row in there for name in row.keys() - cells - {"kind"})
    assert len(combined) == sum(len(table(analysis, kind.name)) for kind in COMBINED)


def test_what_is_not_known_is_empty_and_not_zero(tmp_path: Path) -> None:
    analysis = small(tmp_path)
    by_name = {row["name"]: row for row in table(analysis, "dependencies")}
    assert [by_name["ink"][name] for name in ("version", "line", "direct", "vulnerabilities")] == [""] * 4
    assert by_name["crate"]["vulnerabilities"] == by_name["crate"]["database_as_of"] == ""
    assert (by_name["cap"]["vulnerabilities"], by_name["cap"]["database_as_of"]) == (
        "0",
        "2026-03-01T00:00:00Z",
    )
    pen = by_name["pen"]
    assert (pen["vulnerabilities"], pen["worst_vulnerability"]) == ("2", "critical")
    assert pen["vulnerability_ids"] == "GHSA-nib; GHSA-pen; CVE-1"
    assert pen["fixed_in"] == "GHSA-pen: 1.2"
    logo = next(row for row in table(analysis, "metrics") if row["path"] == "logo.png")
    assert (logo["code"], logo["heat"], logo["binary"], logo["size"]) == ("", "", "true", "120")
    whole = next(row for row in table(analysis, "findings") if row["fingerprint"] == "v1:whole")
    assert whole["start_line"] == whole["end_line"] == ""


def test_a_dependency_has_the_date_of_the_database_of_its_own_ecosystem(tmp_path: Path) -> None:
    analysis = small(tmp_path)
    later = datetime(2026, 4, 2, tzinfo=UTC)
    Database.objects.create(ecosystem="cargo", as_of=later, imported_at=later, advisories=1)
    match_stale(seconds=10)
    dates = {row["name"]: row["database_as_of"] for row in table(analysis, "dependencies")}
    assert (dates["cap"], dates["crate"]) == ("2026-03-01T00:00:00Z", "2026-04-02T00:00:00Z")


def test_findings_say_who_silenced_them(tmp_path: Path) -> None:
    found = {row["fingerprint"]: row for row in table(small(tmp_path), "findings")}
    stays = found["v1:stays"]
    assert (stays["state"], stays["suppression"]) == ("existing", "false_positive")
    assert (stays["suppression_reason"], stays["suppression_inherited"]) == ("A test key.", "false")
    assert found["v1:silent"]["suppression"] == "inline"
    assert found["v1:goes"]["state"] == "fixed"
    assert found["v1:key"]["suppression"] == ""


def test_an_analysis_without_rows_is_a_header(repository: Any) -> None:
    analysis = analyse(repository, messages([]))
    for export_type in TYPES:
        written = export(analysis, "csv", export_type=export_type)
        assert written.count(b"\r\n") == 1
        assert b"," in written


def test_a_mark_is_put_in_front_when_it_is_asked_for(repository: Any) -> None:
    analysis = analyse(repository, messages([finding("a")]))
    plain, marked = export(analysis, "csv"), export(analysis, "csv", bom="true")
    assert marked == b"\xef\xbb\xbf" + plain


def test_text_that_a_spreadsheet_would_run_is_made_harmless_and_numbers_stay(repository: Any) -> None:
    analysis = analyse(
        repository,
        messages(
            [finding("a", message="=1+1", path="-a.py"), finding("b", message="\t=1", path="@SUM(A1).py")],
            files=[file_row("+b.py", churn=-3)],
            dependencies=[dependency_row("@scope/a", requirement="=1.2")],
            technologies=[technology_row("-x")],
        ),
    )
    made = table(analysis)
    assert [row["message"] for row in made if row["kind"] == "finding"] == ["'=1+1", "'\t=1"]
    assert [row["path"] for row in made if row["path"]] == ["'-a.py", "'@SUM(A1).py", "'+b.py"]
    (package,) = (row for row in made if row["kind"] == "dependency")
    assert (package["name"], package["requirement"]) == ("'@scope/a", "'=1.2")
    (file,) = (row for row in made if row["kind"] == "file")
    assert file["churn"] == "-3"


@given(st.text(st.characters(codec="utf-8")) | st.from_regex(r"'*[\s=+\-@'\ufeff]{1,4}.*", fullmatch=True))
def test_any_text_is_harmless_and_can_be_had_back(text: str) -> None:
    made = harmless(text)
    assert not made.startswith(DANGEROUS)
    assert not made.lstrip().startswith(("=", "+", "-", "@"))
    assert made in {text, f"'{text}"}
    # The rule of the documentation: take one apostrophe away where a dangerous text follows the apostrophes.
    following = made.lstrip("'")
    dangerous = made != following and (
        following[:1] in {"\t", "\r", "\n"} or harmless(following.lstrip()) != following.lstrip()
    )
    assert (made[1:] if dangerous else made) == text


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30), max_size=60)
)
def test_any_text_comes_back_as_it_was(texts: list[str]) -> None:
    analysis = analyse(
        make_repository(),
        messages(
            [finding(str(n), path=text, message=text) for n, text in enumerate(texts)],
            dependencies=[dependency_row("a") | {"name": text, "requirement": text} for text in texts],
        ),
    )
    made = table(analysis)
    wanted = [harmless(text) for text in texts]
    assert [row["path"] for row in made if row["kind"] == "finding"] == wanted
    assert [row["message"] for row in made if row["kind"] == "finding"] == wanted
    assert [(row["name"], row["requirement"]) for row in made if row["kind"] == "dependency"] == [
        (text, text) for text in wanted
    ]


def test_hostile_names_stay_in_their_cells(repository: Any) -> None:
    hostile = HOSTILE + '\r\n\u202e\x1b[31m\x85,"=1'
    analysis = analyse(
        repository,
        messages(
            [finding("a", path=hostile)], files=[file_row(hostile)], technologies=[technology_row(hostile)]
        ),
    )
    made = table(analysis)
    assert [row["kind"] for row in made] == ["finding", "technology", "file"]
    assert made[0]["path"] == made[2]["path"] == made[1]["name"] == hostile


def test_a_long_table_is_written_in_pieces_and_begins_early(
    repository: Any, django_assert_max_num_queries: Any
) -> None:
    analysis = analyse(
        repository, messages([finding(f"n{number:05}", severity="low") for number in range(4500)])
    )
    loaded = Analysis.objects.with_results().select_related("repository", "project").get(pk=analysis.pk)
    wanted = format_named("csv")
    with django_assert_max_num_queries(30):
        pieces = list(wanted.write(ExportSource(loaded), read(wanted.info.options, {})))
    assert len(pieces[0]) < 16_000
    assert max(map(len, pieces)) < 250_000
    assert len({row["fingerprint"] for row in rows(b"".join(pieces))}) == 4500


def test_a_download_is_named_for_its_rows(repository: Any) -> None:
    client = APIClient()
    client.force_authenticate(make_user(repository.project))
    analysis = analyse(repository, messages([finding("a")]))
    answer = client.get(f"/api/v1/export/{analysis.pk}/csv?export_type=findings&bom")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert f'{analysis.commit[:12]}.findings.csv"' in answer["Content-Disposition"]
    assert answer.getvalue().startswith(b"\xef\xbb\xbfid,")
    wrong = client.get(f"/api/v1/export/{analysis.pk}/csv?export_type=licences")
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["field"] == "export_type"
