"""LibreOffice opens our workbook: sheets, types, and hostile texts that stay texts. Run by `make formats`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from commandcenter.analysis.models import Finding
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, messages
from exports.formats.excel import SHEETS
from exports.tests.small import AT, small
from exports.tests.test_formats import HOSTILE, export

PROGRAM = shutil.which("soffice") or shutil.which("libreoffice")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        PROGRAM is None,
        reason="LibreOffice is not installed (Debian: apt-get install libreoffice-calc-nogui).",
    ),
]
SECONDS = 120
MOST_REPEATED = 50  # beyond it a cell or a row stands for the rest of the sheet, which is empty
SWITCHES = {"of:=TRUE()", "of:=FALSE()"}  # how it keeps a cell that is true or false
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
CALC_EXT = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"


@dataclass(frozen=True)
class Sheet:
    """A sheet as LibreOffice understood it; a cell is text, number, time, switch or None."""

    rows: list[list[Any]]
    coloured: list[str]  # the ranges

    def records(self) -> list[dict[str, Any]]:
        head, *rest = self.rows
        return [dict(zip(head, line, strict=True)) for line in rest]


@dataclass(frozen=True)
class Book:
    sheets: dict[str, Sheet]
    filtered: set[str]  # sheets with buttons to filter by
    tags: set[str]
    formulas: set[str]


@pytest.fixture
def converted(tmp_path: Path) -> Callable[[bytes, str], Path]:
    """Return a function that lets the program open a workbook and write it as another type."""

    def convert(workbook: bytes, kind: str) -> Path:
        given = tmp_path / "given.xlsx"
        given.write_bytes(workbook)
        argv = [
            str(PROGRAM), f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--norestore",
            "--convert-to", kind, "--outdir", str(tmp_path), str(given),
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
        made = given.with_suffix(f".{kind}")
        assert made.is_file(), done.stdout + done.stderr
        return made

    return convert


def opened(path: Path) -> Book:
    root = ET.parse(path).getroot()
    sheets = {
        str(table.get(f"{TABLE}name")): Sheet(
            _rows(table),
            [
                str(each.get(f"{CALC_EXT}target-range-address"))
                for each in table.iter(f"{CALC_EXT}conditional-format")
            ],
        )
        for table in root.iter(f"{TABLE}table")
    }
    filtered = {
        str(each.get(f"{TABLE}target-range-address")).split(".")[0].strip("'")
        for each in root.iter(f"{TABLE}database-range")
        if each.get(f"{TABLE}display-filter-buttons") == "true"
    }
    formulas = {formula for each in root.iter() if (formula := each.get(f"{TABLE}formula"))} - SWITCHES
    return Book(sheets, filtered, {each.tag for each in root.iter()}, formulas)


def _rows(table: ET.Element) -> list[list[Any]]:
    rows = []
    for row in table.iter(f"{TABLE}table-row"):
        line: list[Any] = []
        for cell in row:
            times = int(cell.get(f"{TABLE}number-columns-repeated", "1"))
            if times <= MOST_REPEATED:
                line += [_value(cell)] * times
        times = int(row.get(f"{TABLE}number-rows-repeated", "1"))
        if times <= MOST_REPEATED:
            rows += [line] * times
    width = max(
        (place + 1 for line in rows for place, value in enumerate(line) if value is not None), default=0
    )
    return [(line + [None] * width)[:width] for line in rows if any(value is not None for value in line)]


def _value(cell: ET.Element) -> Any:
    match cell.get(f"{OFFICE}value-type"):
        case None:
            return None
        case "float":
            return float(str(cell.get(f"{OFFICE}value")))
        case "boolean":
            return cell.get(f"{OFFICE}boolean-value") == "true"
        case "date":
            return datetime.fromisoformat(str(cell.get(f"{OFFICE}date-value"))[:26])
        case "string":
            return "\n".join(_text(each) for each in cell.iter(f"{TEXT}p"))
        case other:
            raise AssertionError(f"A cell of type {other}.")


def _text(element: ET.Element) -> str:
    said = [element.text or ""]
    for each in element:
        if each.tag == f"{TEXT}s":
            said.append(" " * int(each.get(f"{TEXT}c", "1")))
        elif each.tag == f"{TEXT}tab":
            said.append("\t")
        elif each.tag == f"{TEXT}line-break":
            said.append("\n")
        else:
            said.append(_text(each))
        said.append(each.tail or "")
    return "".join(said)


def test_sheets_values_and_types(tmp_path: Path, converted: Any) -> None:
    analysis = small(tmp_path)
    book = opened(converted(export(analysis, "excel"), "fods"))
    assert list(book.sheets) == ["Summary", *SHEETS]
    assert book.filtered == set(SHEETS)
    assert book.formulas == set()
    found = {row["Fingerprint"]: row for row in book.sheets["Findings"].records()}
    stays = found["v1:stays"]
    assert stays["ID"] == Finding.objects.get(fingerprint="v1:stays").pk
    assert stays["Message"] == '=HYPERLINK("http://evil.example","a, \u00e9 \U0001f600")'
    assert (stays["Start line"], stays["Suppression inherited"]) == (3.0, False)
    assert abs((stays["First seen (UTC)"] - AT.replace(tzinfo=None)).total_seconds()) < 0.01
    assert found["v1:silent"]["Message"] == "Two\nlines"
    assert (found["v1:whole"]["Start line"], found["v1:whole"]["Suppression"]) == (None, None)
    packages = {row["Name"]: row for row in book.sheets["Dependencies"].records()}
    assert packages["pen"]["Version"] == "1.0.0"
    assert packages["pen"]["Database as of (UTC)"] == datetime(2026, 3, 1)  # noqa: DTZ001
    assert [packages[name]["Vulnerabilities"] for name in ("pen", "cap", "ink")] == [2.0, 0.0, None]
    assert [packages[name]["Direct"] for name in ("pen", "cap", "ink")] == [True, False, None]
    assert len(book.sheets["Findings"].coloured) >= 1
    said = {line[0]: line[1] for line in book.sheets["Summary"].rows}
    assert (said["Repository"], said["Analysis"], said["critical"]) == ("billing", analysis.pk, 1.0)


TEXTS = [
    "=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\t=1", "{=1}", "12", "1e5", "TRUE", "2026-01-02", "'quoted", "http://evil.example",
    "<r><t>x</t></r>", "</t></is>", "&amp;", "_x0041_", "=cmd|' /C calc'!A0", "a  b ", "\U0001f600\u202e", '"', "a\n\nb", HOSTILE,
]  # fmt: skip


def test_hostile_texts_stay_texts(converted: Any) -> None:
    rows = [finding(str(n), message=text, path=text) for n, text in enumerate(TEXTS)]
    book = opened(converted(export(analyse(make_repository(), messages(rows)), "excel"), "fods"))
    found = {row["Fingerprint"]: row for row in book.sheets["Findings"].records()}
    for number, text in enumerate(TEXTS):
        row = found[f"v1:{number}"]
        assert (row["Message"].rstrip(), row["Path"].rstrip()) == (text.rstrip(), text.rstrip())
    assert book.formulas == set()
    assert f"{TEXT}a" not in book.tags


def test_it_can_be_printed(tmp_path: Path, converted: Any) -> None:
    assert converted(export(small(tmp_path), "excel"), "pdf").read_bytes().startswith(b"%PDF-")
