"""Excel: typed cells that openpyxl reads back, nothing that runs, limits that are told of, no file left behind."""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.utils.escape import unescape
from rest_framework.test import APIClient

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.policy.flows import create_policy
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    make_repository,
    make_user,
    messages,
)
from exports.formats import excel
from exports.registry import ExportSource, format_named
from exports.tests.small import AT, compare, small
from exports.tests.test_formats import HOSTILE, export

pytestmark = pytest.mark.django_db
EDITED = ["=1+1", "@x", " =1+1", "\t+1", "\n-1", "\uff1d1", "\u3000@x"]
SHEETS = ["Summary", "Findings", "Dependencies", "Technologies", "Gaps", "Files", "Engines"]


def book(analysis: Any) -> Workbook:
    return load_workbook(io.BytesIO(export(analysis, "excel")))


def rows(workbook: Any, sheet: str) -> list[dict[str, Any]]:
    header, *lines = workbook[sheet].iter_rows(values_only=True)
    return [dict(zip(header, line, strict=True)) for line in lines]


def summary(workbook: Any) -> dict[str, Any]:
    return {line[0]: line[1] for line in workbook["Summary"].iter_rows(values_only=True)}


@pytest.fixture
def repository() -> Any:
    return make_repository()


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """Return a function that lists what lies in the folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return lambda: list(folder.iterdir())


def test_a_small_analysis_is_written_as_it_was(tmp_path: Path) -> None:
    made = book(small(tmp_path))
    cells = {
        sheet.title: [
            [str(cell.value) if cell.value is not None else None for cell in line] for line in sheet.rows
        ]
        for sheet in made
    }
    compare("excel", "cells.json", json.dumps(cells, indent=1, ensure_ascii=False) + "\n")


def test_the_same_analysis_gives_the_same_bytes(tmp_path: Path) -> None:
    analysis = small(tmp_path)
    assert export(analysis, "excel") == export(analysis, "excel")


def test_sheets_have_frozen_headers_filters_and_widths(tmp_path: Path) -> None:
    made = book(small(tmp_path))
    assert made.sheetnames == SHEETS
    for sheet in made.worksheets[1:]:
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert all(cell.font.bold for cell in sheet[1])
        assert len(sheet.column_dimensions) > 1
    rules = [rule for found in made["Findings"].conditional_formatting for rule in found.rules]
    assert {rule.formula[0] for rule in rules} >= {'"critical"', '"high"', '"medium"', '"low"', '"info"'}
    assert all(rule.dxf.fill.bgColor.rgb and rule.dxf.font.color.rgb for rule in rules)


def test_cells_have_types(tmp_path: Path) -> None:
    made = book(small(tmp_path))
    found = {row["Fingerprint"]: row for row in rows(made, "Findings")}
    stays = found["v1:stays"]
    assert (stays["Start line"], stays["Suppression inherited"]) == (3, False)
    assert stays["First seen (UTC)"].replace(tzinfo=UTC) == AT
    assert found["v1:whole"]["Start line"] is None
    packages = {row["Name"]: row for row in rows(made, "Dependencies")}
    assert packages["pen"]["Database as of (UTC)"] == datetime(2026, 3, 1)  # noqa: DTZ001
    assert packages["pen"]["Vulnerabilities"] == 2
    assert packages["cap"]["Vulnerabilities"] == 0
    assert packages["ink"]["Vulnerabilities"] is None
    assert (packages["pen"]["Direct"], packages["cap"]["Direct"], packages["ink"]["Direct"]) == (
        True,
        False,
        None,
    )
    assert rows(made, "Technologies")[0]["Confidence"] == 0.9


def test_the_summary_says_what_was_analysed_and_as_of_when(tmp_path: Path) -> None:
    analysis = small(tmp_path)
    said = summary(book(analysis))
    assert said["Repository"] == "billing"
    assert said["Source"] == "https://git.example.com/team/billing.git"
    assert said["Commit"] == analysis.commit
    assert said["Vulnerability database as of (UTC)"] == datetime(2026, 3, 1)  # noqa: DTZ001
    assert said["Engine secrets"] == "partial: secrets did not end well."
    assert (said["critical"], said["Nothing"]) == (1, None)


def test_the_summary_names_engines_that_could_not_read_all(repository: Any) -> None:
    unread = [("ruff", "a.py", "It is larger than 5 MiB.")]
    said = summary(book(analyse(repository, messages([], unread=unread))))
    assert said["Engine ruff"] == "ok: 1 file could not be read in full"
    assert "Engine secrets" not in said


def test_a_folder_without_a_commit_has_none_in_the_properties(repository: Any) -> None:
    analysis = analyse(repository, messages([]))
    assert book(analysis).properties.description == f"Commit {analysis.commit}"
    Analysis.objects.filter(pk=analysis.pk).update(commit="")
    assert book(analysis).properties.description is None


def test_the_summary_says_how_the_policy_judged(repository: Any) -> None:
    conditions = [{"metric": "findings", "severity_at_least": "high", "at_most": 0}]
    create_policy(by=None, project=repository.project, name="strict", conditions=conditions)
    analysis = analyse(repository, messages([finding("a")]))
    sheet = book(analysis)["Summary"]
    lines = [line for line in sheet.iter_rows(values_only=True) if line[0]]
    assert ("Policy", "strict") in [line[:2] for line in lines]
    assert ("Verdict", "failed") in [line[:2] for line in lines]
    assert [line[1:3] for line in lines if line[1] == "failed" and line[2] is not None] == [("failed", 1)]


def test_an_analysis_without_rows_is_a_workbook(repository: Any) -> None:
    made = book(analyse(repository, messages([])))
    assert made.sheetnames == SHEETS
    assert rows(made, "Findings") == rows(made, "Gaps") == []
    said = summary(made)
    assert said["Vulnerable"] is None
    assert said["Gaps"] is None


def test_nothing_in_the_data_becomes_a_formula_a_link_or_markup(repository: Any) -> None:
    texts = [
        "=1+1",
        "{=1}",
        "@x",
        "http://evil.example",
        "internal:A1",
        "mailto:a@b",
        "<r><t>x</t></r>",
        "12",
        "TRUE",
        *EDITED[2:],
    ]
    analysis = analyse(repository, messages([finding(f"f{n}", message=text) for n, text in enumerate(texts)]))
    sheet = book(analysis)["Findings"]
    cells = [line[5] for line in sheet.iter_rows(min_row=2)]
    assert [cell.value.rstrip() for cell in cells] == texts
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells if cell.quotePrefix] == EDITED  # text also when it is edited
    assert all(cell.hyperlink is None for cell in cells)
    written = zipfile.ZipFile(io.BytesIO(export(analysis, "excel")))
    assert all(b"<f>" not in written.read(name) for name in written.namelist())


def test_what_xml_forbids_is_shown_as_an_escape(repository: Any) -> None:
    message = "a\x01b\x1b[0m\x0b\ufffe\uffff _x0041_ & <b>\r\nc\td\re"
    made = rows(book(analyse(repository, messages([finding("a", message=message)]))), "Findings")
    assert unescape(made[0]["Message"]) == "a\\x01b\\x1b[0m\\x0b\\ufffe\\uffff _x0041_ & <b>\nc\td\\x0de"


@pytest.mark.parametrize("unit", ["a", "\U0001f600", "a\U0001f600", "\n"])
def test_a_text_too_long_for_a_cell_is_cut_and_marked(repository: Any, unit: str) -> None:
    fits = (unit * 32_767).encode("utf-16-le")[: 2 * 32_766].decode("utf-16-le", "ignore")
    analysis = analyse(repository, messages([finding("a", message=fits), finding("b", message=fits + "abc")]))
    made = book(analysis)
    whole, cut = (row["Message"] for row in rows(made, "Findings"))
    assert whole == fits
    assert cut.endswith(" characters]")
    assert cut.startswith(unit * 1000)
    assert 32_700 < len(cut.encode("utf-16-le")) / 2 <= 32_767
    assert summary(made)["Cells cut, each marked at its end"] == 1


def test_rows_beyond_the_sheet_are_told_of(repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excel, "MAX_ROWS", 4)
    analysis = analyse(
        repository,
        messages([finding(f"f{n}") for n in range(5)], files=[file_row(f"{n}.py") for n in range(3)]),
    )
    made = book(analysis)
    assert (len(rows(made, "Findings")), len(rows(made, "Files"))) == (3, 3)
    assert made["Findings"].auto_filter.ref == made["Findings"].dimensions
    said = summary(made)
    assert said["Findings: rows beyond what a sheet holds"] == 2
    assert "Files: rows beyond what a sheet holds" not in said
    assert "Nothing" not in said


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40), max_size=60)
)
def test_any_text_is_read_back_as_it_was_or_visibly_escaped(texts: list[str]) -> None:
    analysis = analyse(
        make_repository(),
        messages([finding(str(n), path=text, message=text) for n, text in enumerate(texts)]),
    )
    found = rows(book(analysis), "Findings")
    assert len(found) == len(texts)
    for stored, row in zip(texts, found, strict=True):
        assert row["Path"] == row["Message"]
        if stored.isprintable():
            assert (row["Path"] or "").rstrip() == stored.rstrip()
        else:
            assert all(each.isprintable() or each.isspace() or ord(each) > 127 for each in row["Path"])


def test_hostile_names_stay_in_their_cells(repository: Any) -> None:
    analysis = analyse(
        repository,
        messages(
            [finding("a", path=HOSTILE)], files=[file_row(HOSTILE)], dependencies=[dependency_row(HOSTILE)]
        ),
    )
    made = book(analysis)
    assert rows(made, "Findings")[0]["Path"] == rows(made, "Files")[0]["Path"] == HOSTILE
    assert rows(made, "Dependencies")[0]["Name"] == HOSTILE


def test_every_part_is_xml(tmp_path: Path) -> None:
    written = zipfile.ZipFile(io.BytesIO(export(small(tmp_path), "excel")))
    assert written.testzip() is None
    for name in written.namelist():
        ET.fromstring(written.read(name))


def test_nothing_is_left_behind_by_a_workbook_that_was_read(
    repository: Any, temporary: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excel, "IN_MEMORY", 100)
    analysis = analyse(repository, messages([finding("a")]))
    pieces = _pieces(analysis)
    assert next(filter(None, pieces)).startswith(b"PK")
    assert temporary()
    list(pieces)
    assert temporary() == []


def test_nothing_is_left_behind_by_a_workbook_that_was_given_up(
    repository: Any, temporary: Callable[[], list[Path]]
) -> None:
    analysis = analyse(repository, messages([finding(f"f{number}") for number in range(1500)]))
    pieces = _pieces(analysis)
    assert next(pieces) == b""  # while it is made
    assert temporary()
    pieces.close()
    assert temporary() == []


def test_what_a_killed_process_left_goes_with_the_next_workbook(
    repository: Any, temporary: Callable[[], list[Path]]
) -> None:
    folder = Path(tempfile.gettempdir())
    abandoned, recent = folder / "commandcenter-export-old", folder / "commandcenter-export-new"
    other = folder / "other"
    for each in (abandoned, recent, other):
        each.mkdir()
        (each / "sheet").touch()
    for each in (abandoned, other):
        os.utime(each, (0, 0))
    assert export(analyse(repository, messages([])), "excel")
    assert sorted(temporary()) == [recent, other]


def test_a_full_disk_is_the_error_that_it_is(
    repository: Any, temporary: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    analysis = analyse(repository, messages([finding("a")]))
    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(OSError, match="No space left") as raised:
        list(_pieces(analysis))
    assert raised.value.errno == 28
    assert temporary() == []
    client = APIClient()
    client.force_authenticate(make_user(repository.project))
    answer = client.get(f"/api/v1/export/{analysis.pk}/excel")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_temporary_file")
    assert "No space left on device" in answer.json()["detail"]


def test_a_download_is_a_workbook(repository: Any) -> None:
    client = APIClient()
    client.force_authenticate(make_user(repository.project))
    analysis = analyse(repository, messages([finding("a")]))
    answer = client.get(f"/api/v1/export/{analysis.pk}/excel")
    assert answer["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert answer["Content-Disposition"].endswith(f'{analysis.commit[:12]}.xlsx"')
    assert load_workbook(io.BytesIO(answer.getvalue())).sheetnames == SHEETS


def _pieces(analysis: Any) -> Any:
    loaded = Analysis.objects.with_results().select_related("repository", "project").get(pk=analysis.pk)
    pieces: Iterator[bytes] = format_named("excel").write(ExportSource(loaded), {})
    return pieces
