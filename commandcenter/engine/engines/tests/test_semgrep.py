"""semgrep with an operator's rules: what it said of real files is understood, and what it lacks is named.

The program repeats what was recorded; `make extras` runs the real one over the same files.
"""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines.semgrep import SemgrepEngine
from commandcenter.engine.engines.semgrep_rules import MAX_FILE_BYTES
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.engines.tests.optional_files import (
    CHECKED,
    SEMGREP_FAILS,
    SEMGREP_FINDS,
    semgrep_that_repeats,
    semgrep_told,
    write_rules,
)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return write_rules(tmp_path / "rules")


@pytest.fixture
def program(tmp_path: Path) -> str:
    return semgrep_that_repeats(tmp_path / "environment")


def test_findings_come_with_places_severities_and_marks(program: str, rules: Path, tmp_path: Path) -> None:
    said = run(SemgrepEngine(program, str(rules)), CHECKED, tmp_path)
    assert semgrep_told(said) == SEMGREP_FINDS
    first = next(one for one in said if isinstance(one, Finding))
    assert (first.start_column, first.end_column, first.cwe) == (11, 22, ("CWE-95",))
    assert first.message == "eval runs given. Parse it instead."


def test_a_file_read_in_part_and_a_rule_that_is_refused_are_failures(
    program: str, rules: Path, tmp_path: Path
) -> None:
    said = run(SemgrepEngine(program, str(rules)), CHECKED, tmp_path)
    assert [(one.path, one.message) for one in said if isinstance(one, Failure)] == SEMGREP_FAILS


def test_rules_are_described_by_their_files(program: str, rules: Path) -> None:
    described = {rule.id: rule for rule in SemgrepEngine(program, str(rules)).rules()}
    assert list(described) == ["inner-html", "python.eval-used", "python.only-in-tests", "python.refused"]
    rule = described["python.eval-used"]
    assert (rule.name, rule.severity, rule.precision, rule.cwe) == ("eval-used", "high", "high", ("CWE-95",))
    assert (rule.short, rule.full) == ("eval runs $X.", "eval runs $X. Parse it instead.")
    assert rule.help_url == "https://example.org/eval"
    assert described["inner-html"].tags == ("correctness", "js")


def test_only_files_that_a_rule_may_be_about_are_read(program: str, rules: Path) -> None:
    engine = SemgrepEngine(program, str(rules))
    names = ["a.py", "a.js", "Dockerfile", "a.go", "a.md"]
    assert [name for name in names if engine.select(Entry(name, "0", 1))] == ["a.py", "a.js", "Dockerfile"]
    (rules / "any.yaml").write_text(
        "rules: [{id: any, languages: [generic], severity: LOW, message: m, pattern: x}]"
    )
    assert SemgrepEngine(program, str(rules)).select(Entry("a.md", "0", 1))


def test_hidden_files_and_examples_are_no_rules(program: str, rules: Path) -> None:
    before = SemgrepEngine(program, str(rules))
    for name in (".git/config.yaml", "python/.hidden.yaml", "python/x.test.yaml", "notes.txt"):
        (rules / name).parent.mkdir(exist_ok=True)
        (rules / name).write_text("no: rules")
    after = SemgrepEngine(program, str(rules))
    assert after.unavailable() is None
    assert after.config_digest == before.config_digest


def test_other_rules_or_another_program_are_another_engine(rules: Path, tmp_path: Path) -> None:
    old = SemgrepEngine(semgrep_that_repeats(tmp_path / "old"), str(rules))
    known = (old.version, old.config_digest)
    new = SemgrepEngine(semgrep_that_repeats(tmp_path / "new", "1.186.0"), str(rules))
    assert known[0] == "2+semgrep-1.185.0" != new.version
    (rules / "web.yml").write_text((rules / "web.yml").read_text().replace("WARNING", "ERROR"))
    assert SemgrepEngine(semgrep_that_repeats(tmp_path / "same"), str(rules)).config_digest != known[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [", "bad.yaml: it is not valid YAML"),
        ("rule: []", "bad.yaml: it has no list of rules"),
        ("rules: [1]", "bad.yaml: it has no list of rules"),
        ("rules: [{id: x}]", "bad.yaml: a rule has no id or no message"),
        ("rules: [{id: x, message: m, severity: AWFUL}]", "the severity of x is not one of"),
        (
            "rules: [{id: inner-html, message: m, severity: LOW, languages: [js]}]",
            "the rule inner-html is there twice",
        ),
        ("#" * (MAX_FILE_BYTES + 1), "more than is read of a folder of rules"),
    ],
)
def test_rules_that_cannot_be_used_are_named(program: str, rules: Path, text: str, words: str) -> None:
    (rules / "bad.yaml").write_text(text)
    engine = SemgrepEngine(program, str(rules))
    assert words in (engine.unavailable() or "")
    assert list(engine.rules()) == []


def test_a_folder_without_rules_and_a_program_that_is_not_there_are_named(
    program: str, tmp_path: Path
) -> None:
    assert "There is no folder" in (SemgrepEngine(program, str(tmp_path / "none")).unavailable() or "")
    (tmp_path / "empty").mkdir()
    assert "There is no rule" in (SemgrepEngine(program, str(tmp_path / "empty")).unavailable() or "")
    rules = str(write_rules(tmp_path / "rules"))
    assert "There is no program" in (SemgrepEngine(str(tmp_path / "none"), rules).unavailable() or "")
    assert "belongs to no Python environment" in (SemgrepEngine("/bin/sh", rules).unavailable() or "")


def test_a_program_that_says_nothing_leaves_each_file_unchecked(
    program: str, rules: Path, tmp_path: Path
) -> None:
    Path(program).write_text("#!/bin/sh\nexit 2\n")
    said = run(SemgrepEngine(program, str(rules)), {"a.py": "eval(x)\n", "b.py": "eval(y)\n"}, tmp_path)
    assert [one.path for one in said if isinstance(one, Failure)] == ["a.py", "b.py"]
    assert all("semgrep ended with status 2" in one.message for one in said if isinstance(one, Failure))


def test_a_mark_silences_nothing_where_the_second_pass_saw_less(
    program: str, rules: Path, tmp_path: Path
) -> None:
    """A file on which semgrep gave up half-way says nothing of what its marks silence."""
    quiet = tmp_path / "environment" / "semgrep-quiet.json"
    given_up = {"type": "Timeout", "path": "tests/a.py", "level": "warn"}
    quiet.write_bytes(orjson.dumps({"results": [], "errors": [given_up]}))
    said = run(SemgrepEngine(program, str(rules)), CHECKED, tmp_path)
    assert {one.inline_suppressed for one in said if isinstance(one, Finding)} == {False}
