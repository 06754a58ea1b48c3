"""semgrep and jscpd as they are installed here say what the recordings of our tests say. Run by `make extras`."""

from __future__ import annotations

import os
from pathlib import Path

from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines.jscpd import JscpdEngine
from commandcenter.engine.engines.semgrep import SemgrepEngine
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.engines.tests.optional_files import (
    CHECKED,
    JSCPD_FINDS,
    REPEATED,
    SEMGREP_FAILS,
    SEMGREP_FINDS,
    jscpd_told,
    semgrep_told,
    write_rules,
)


def test_semgrep_says_what_was_recorded(tmp_path: Path) -> None:
    engine = SemgrepEngine(os.environ.get("CC_SEMGREP", ""), str(write_rules(tmp_path / "rules")))
    assert engine.unavailable() is None
    said = run(engine, CHECKED, tmp_path)
    assert semgrep_told(said) == SEMGREP_FINDS
    assert [(one.path, one.message) for one in said if isinstance(one, Failure)] == SEMGREP_FAILS


def test_jscpd_says_what_was_recorded_whatever_the_order(tmp_path: Path) -> None:
    engine = JscpdEngine(os.environ.get("CC_JSCPD", ""))
    assert engine.unavailable() is None
    assert jscpd_told(run(engine, REPEATED, tmp_path / "a")) == JSCPD_FINDS
    backwards = dict(reversed(REPEATED.items()))
    assert jscpd_told(run(engine, backwards, tmp_path / "b")) == JSCPD_FINDS
