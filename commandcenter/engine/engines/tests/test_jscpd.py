"""jscpd: what it reported of real files is understood, and what it lacks is named.

The program repeats what was recorded; `make extras` runs the real one over the same files.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines.jscpd import MAX_FILE, MAX_SOURCES, JscpdEngine
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.engines.tests.optional_files import (
    JSCPD_FINDS,
    REPEATED,
    jscpd_that_repeats,
    jscpd_told,
)
from commandcenter.engine.errors import EngineError


@pytest.fixture
def program(tmp_path: Path) -> str:
    return jscpd_that_repeats(tmp_path)


def test_a_repeated_block_names_both_places_and_marks_are_told(program: str, tmp_path: Path) -> None:
    said = run(JscpdEngine(program), REPEATED, tmp_path)
    assert jscpd_told(said) == JSCPD_FINDS
    assert {(one.rule_id, one.severity) for one in said if isinstance(one, Finding)} == {
        ("duplicated-block", "info")
    }


def test_other_peoples_files_and_what_is_no_source_are_left_out(program: str) -> None:
    engine = JscpdEngine(program)
    names = ["src/a.py", "node_modules/a/index.js", "vendor/a.go", "README.md", "package-lock.json"]
    assert [name for name in names if engine.select(Entry(name, "0", 1))] == ["src/a.py"]
    assert not engine.select(Entry("src/a.py", "0", MAX_FILE + 1))


def test_what_is_beyond_the_limit_of_sources_is_named_file_by_file(program: str, tmp_path: Path) -> None:
    large = {f"large/{n:03}.py": b"#" * MAX_FILE for n in range(MAX_SOURCES // MAX_FILE + 1)}
    report = tmp_path / "node_modules" / "jscpd" / "jscpd-report.json"
    report.write_text('{"duplicates": []}')
    (failure,) = run(JscpdEngine(program), large, tmp_path)
    assert isinstance(failure, Failure)
    assert (failure.path, failure.transient) == (max(large), False)


def test_a_program_without_a_report_fails_the_engine(program: str, tmp_path: Path) -> None:
    Path(program).write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(EngineError, match="status 3 and without a report"):
        run(JscpdEngine(program), REPEATED, tmp_path)


def test_a_report_on_a_file_that_was_not_given_fails_the_engine(program: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="a file that it was not given"):
        run(JscpdEngine(program), {"other.py": "x = 1\n"}, tmp_path)


def test_what_is_missing_or_too_old_is_named(tmp_path: Path) -> None:
    assert "There is no program" in (JscpdEngine(str(tmp_path / "none")).unavailable() or "")
    assert "does not belong to the npm package" in (JscpdEngine("/bin/sh").unavailable() or "")
    old = JscpdEngine(jscpd_that_repeats(tmp_path / "old", "4.0.5"))
    assert old.unavailable() == "jscpd 4.0.5 is too old: install version 5 or later."
    assert JscpdEngine(jscpd_that_repeats(tmp_path / "new")).version == "2+jscpd-5.3.3"
