"""What the report says of vulnerable dependencies when that is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.tests.corpus import affected, record, since, write_zip
from commandcenter.analysis.tests.factories import analyse, dependency_row, make_repository, messages
from commandcenter.ops.report import report

pytestmark = pytest.mark.django_db


def vulnerable(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.split()[:1] == ["vulnerable"]]
    return line


def test_what_is_unknown_has_its_own_reason(tmp_path: Path) -> None:
    analysis = analyse(make_repository(), messages(dependencies=[dependency_row("pen", None)]))
    assert "no vulnerability database" in vulnerable(report(analysis))
    pen = record("GHSA-pen", affected("PyPI", "pen", *since("0", "1.2")))
    import_dump(write_zip(tmp_path / "all.zip", [pen]))
    said = vulnerable(report(analysis))
    assert "no vulnerability database" not in said
    assert "unknown: no dependency has a resolved version" in said
