"""Optional engines: planned only when they are switched on, and partial, never clean, when they are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commandcenter.engine.client import EngineProcess
from commandcenter.engine.engines import ENGINES
from commandcenter.engine.engines.tests.optional_files import (
    JSCPD_FINDS,
    REPEATED,
    jscpd_that_repeats,
    semgrep_that_repeats,
    write_rules,
)
from commandcenter.engine.limits import Limits
from commandcenter.engine.optional import OptionalEngines, load, registry
from commandcenter.engine.plan import available_engines, digest
from commandcenter.engine.tests.making import Made, only, report, rows

Start = Callable[[OptionalEngines], EngineProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[EngineProcess] = []

    def make(optional: OptionalEngines) -> EngineProcess:
        process = EngineProcess(
            scratch_root=tmp_path / "scratch", limits=Limits(), cache_path=tmp_path / "c", optional=optional
        )
        started.append(process)
        return process

    yield make
    for process in started:
        process.close()


def _analyse(process: EngineProcess, made: Made, commit: str, engine: str) -> list[dict[str, Any]]:
    return list(process.analyse(made.git_dir, commit, engines=["language", engine], idle_seconds=60))


def test_nothing_is_added_unless_it_is_switched_on(tmp_path: Path) -> None:
    rules = str(write_rules(tmp_path))
    assert list(registry(OptionalEngines(semgrep_rules=rules, jscpd="/bin/jscpd"))) == list(ENGINES)
    assert list(registry(OptionalEngines(names=("semgrep", "jscpd")))) == [*ENGINES, "jscpd"], "no rules"
    both = registry(OptionalEngines(names=("semgrep", "jscpd"), semgrep_rules=rules))
    assert list(both) == [*ENGINES, "semgrep", "jscpd"]
    assert {"semgrep", "jscpd", "secrets"} <= set(both.external)


def test_what_is_chosen_reaches_the_process_as_it_was_said() -> None:
    chosen = OptionalEngines(("semgrep",), "/opt/a b/semgrep", '/opt/"rules"', "/opt/jscpd")
    assert load(chosen.dump()) == chosen


def test_the_set_of_engines_is_named_by_programs_and_rules(tmp_path: Path) -> None:
    rules = write_rules(tmp_path / "rules")

    def name(version: str, folder: str) -> str:
        program = semgrep_that_repeats(tmp_path / folder, version)
        chosen = OptionalEngines(("semgrep",), program, str(rules))
        return digest([row for row in available_engines(registry(chosen)) if row["id"] == "semgrep"])

    first = name("1.185.0", "a")
    assert name("1.185.0", "b") == first
    assert name("1.186.0", "c") != first
    (rules / "web.yml").unlink()
    assert name("1.185.0", "d") != first


def test_a_missing_engine_makes_the_run_partial_and_says_why(start: Start, tmp_path: Path) -> None:
    made = Made(tmp_path)
    commit = made.commit(REPEATED)
    process = start(OptionalEngines(("jscpd",), jscpd=str(tmp_path / "none")))
    (row,) = [row for row in process.engines() if row["id"] == "jscpd"]
    assert row["unavailable"] == f"There is no program at {tmp_path / 'none'}."
    said = _analyse(process, made, commit, "jscpd")
    assert only(said, "done")["status"] == "partial"
    assert report(said, "jscpd")["status"] == "unavailable"
    assert report(said, "jscpd")["detail"] == row["unavailable"]


def test_an_installed_one_reports_in_the_process_and_is_remembered(start: Start, tmp_path: Path) -> None:
    made = Made(tmp_path)
    commit = made.commit({path: text for path, text in REPEATED.items() if path != ".gitignore"})
    process = start(OptionalEngines(("jscpd",), jscpd=jscpd_that_repeats(tmp_path / "npm")))
    cold, warm = (_analyse(process, made, commit, "jscpd") for _ in range(2))
    for said in (cold, warm):
        assert only(said, "done")["status"] == "complete"
        found = [(f["path"], f["start_line"], f["end_line"], f["message"]) for f in rows(said, "findings")]
        assert found == [finding[:4] for finding in JSCPD_FINDS]
    assert report(warm, "jscpd")["cached"] == report(warm, "jscpd")["selected"] == 3
    (rule,) = rows(cold, "rules")
    assert (rule["id"], rule["engine"], rule["severity"]) == ("duplicated-block", "jscpd", "info")
