"""The ruff engine: security and bug rules, deaf to the repository, with failures where it cannot know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.ruff import ENGINE
from commandcenter.engine.engines.ruff_rules import CWE, LOW_PRECISION, NOT_IN_TESTS, SEVERITY
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.limits import Limits


def found(results: list[Result]) -> list[tuple[str, int, str, bool]]:
    assert all(isinstance(result, Finding) for result in results), results
    return [(f.path, f.start_line, f.rule_id, f.inline_suppressed) for f in results if isinstance(f, Finding)]


def test_reports_security_and_bugs_but_no_style(tmp_path: Path) -> None:
    source = "import subprocess,os\nx=input()\nsubprocess.call('ls '+x, shell=True)\nprint(undefined)\nif (1,):pass\n"
    results = run(ENGINE, {"a.py": source}, tmp_path)
    assert found(results) == [
        ("a.py", 3, "S602", False),
        ("a.py", 4, "F821", False),
        ("a.py", 5, "F634", False),
    ]
    shell = results[0]
    assert isinstance(shell, Finding)
    assert (shell.severity, shell.cwe) == ("high", ("CWE-78",))
    assert shell.snippet == "subprocess.call('ls '+x, shell=True)"


@pytest.mark.parametrize(
    "source",
    [
        "exec(input())  # noqa\n",
        "exec(input())  # noqa: S102\n",
        "# ruff: noqa\nexec(input())\n",
        "# flake8: noqa\nexec(input())\n",
        "# ruff: disable[S102]\nexec(input())\n# ruff: enable[S102]\n",
    ],
)
def test_a_silenced_line_is_reported_as_silenced(tmp_path: Path, source: str) -> None:
    (result,) = run(ENGINE, {"a.py": source}, tmp_path)
    assert isinstance(result, Finding)
    assert (result.rule_id, result.inline_suppressed) == ("S102", True)
    assert result.snippet == "exec(input())", "silencing a line does not make it another finding"


def test_a_shell_with_a_literal_command_weighs_little(tmp_path: Path) -> None:
    text = 'import os, subprocess\nsubprocess.run("ls", shell=True)\nos.system("ls")\nos.system(input())\n'
    results = run(ENGINE, {"a.py": text}, tmp_path)
    assert [(f.rule_id, f.severity) for f in results if isinstance(f, Finding)] == [
        ("S602", "low"),
        ("S605", "low"),
        ("S605", "high"),
    ]


def test_a_comment_that_silences_another_rule_silences_nothing(tmp_path: Path) -> None:
    assert found(run(ENGINE, {"a.py": "exec(input())  # noqa: E501\n"}, tmp_path)) == [
        ("a.py", 1, "S102", False)
    ]


def test_configuration_of_the_repository_silences_nothing(tmp_path: Path) -> None:
    files = {
        "ruff.toml": 'exclude = ["*"]\n[lint]\nselect = []\n',
        ".ruff.toml": 'exclude = ["*"]\n',
        "pyproject.toml": '[tool.ruff]\nexclude = ["*"]\n',
        ".gitignore": "*\n",
        "a.py": "exec(input())\n",
        "node_modules/b.py": "exec(input())\n",
        "venv/ruff.py": "exec(input())\n",
    }
    assert {path for path, *_ in found(run(ENGINE, files, tmp_path))} == {
        "a.py",
        "node_modules/b.py",
        "venv/ruff.py",
    }


def test_tests_may_assert_and_code_may_not(tmp_path: Path) -> None:
    source = 'assert f(password="abc")\nexec(input())\n'.replace("f(", "dict(")
    files = {
        "pkg/a.py": source,
        "pkg/tests/a.py": source,
        "test_a.py": source,
        "contest.py": "assert dict()\n",
    }
    rules = {(path, rule) for path, _, rule, _ in found(run(ENGINE, files, tmp_path))}
    assert rules == {
        ("pkg/a.py", "S101"),
        ("pkg/a.py", "S106"),
        ("pkg/a.py", "S102"),
        ("pkg/tests/a.py", "S102"),
        ("test_a.py", "S102"),
        ("contest.py", "S101"),
    }


def test_what_of_the_path_matters_is_in_the_cache_key() -> None:
    keys = [
        ENGINE.path_class(Entry(path, "0" * 40, 1))
        for path in ("a.py", "b/c.py", "tests/a.py", "a.pyi", "b/__init__.py", "tests/__init__.py")
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 5


def test_hard_coded_passwords_are_named_but_not_quoted(tmp_path: Path) -> None:
    long = "hunter2" + "x" * 3000
    source = f'password = "hunter2secret"\ntoken = """{long}\n"""\nget(auth="abcd1234efgh5678", verify=eval("1"))\n'
    results = run(ENGINE, {"a.py": source}, tmp_path)
    rules = [r.rule_id for r in results if isinstance(r, Finding)]
    assert {"S105", "S307"} <= set(rules)
    text = " ".join(f"{r.message} {r.snippet}" for r in results if isinstance(r, Finding))
    assert "hunter2" not in text
    assert "abcd1234" not in text


@pytest.mark.parametrize(
    "content",
    [b'print "python 2"\n', b"def f(\n", b"x = '\xe9'\n", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n"],
)
def test_what_is_not_python_3_is_a_failure_of_that_file(tmp_path: Path, content: bytes) -> None:
    results = run(ENGINE, {"bad.py": content, "good.py": "exec(input())\n"}, tmp_path)
    assert [(r.path, r.transient) for r in results if isinstance(r, Failure)] == [("bad.py", False)]
    assert [r.path for r in results if isinstance(r, Finding)] == ["good.py"]


def test_a_file_that_crashes_ruff_costs_only_itself(tmp_path: Path) -> None:
    files = {f"m{i}.py": "exec(input())\n" for i in range(9)} | {"deep.py": "x=" + "-" * 200_000 + "1\n"}
    results = run(ENGINE, files, tmp_path)
    assert [(r.path, r.transient) for r in results if isinstance(r, Failure)] == [("deep.py", False)]
    assert {r.path for r in results if isinstance(r, Finding)} == set(files) - {"deep.py"}


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfexec(input())\n",
        b"exec(input())\r\n",
        b"exec(input())\nx = '" + b"a" * 1_000_000 + b"'\n",
        b"type X = int\ndef f[T](a: T) -> T: return a\nexec(input())\n",
    ],
)
def test_unusual_files_are_checked(tmp_path: Path, content: bytes) -> None:
    assert [rule for _, _, rule, _ in found(run(ENGINE, {"a.py": content}, tmp_path))] == ["S102"]


def test_empty_and_binary_files_say_nothing(tmp_path: Path) -> None:
    assert run(ENGINE, {"empty.py": b"", "binary.py": b"exec(input())\0"}, tmp_path) == []


def test_every_rule_that_we_ask_for_exists_and_is_described() -> None:
    rules = {rule.id: rule for rule in ENGINE.rules()}
    assert set(rules) == set(SEVERITY)
    assert all(rule.short and rule.name for rule in rules.values())
    assert set(CWE) | NOT_IN_TESTS | LOW_PRECISION <= set(SEVERITY)
    assert rules["S602"].severity == "high"
    assert ENGINE.unavailable() is None


def test_a_file_that_alone_takes_too_much_memory_is_given_up_for_good(tmp_path: Path) -> None:
    files = {"huge.py": "a=1;" * 500_000, "good.py": "x = eval('1')\n", "fine.py": "y = 1\n"}
    limits = replace(Limits(), memory_bytes=100 << 20, tool_seconds=60.0)
    results = run(ENGINE, files, tmp_path, limits=limits)
    failures = [(r.path, r.transient) for r in results if isinstance(r, Failure)]
    assert failures == [("huge.py", False)], "else every run of the repository is partial, and closes nothing"
    assert [(r.path, r.rule_id) for r in results if isinstance(r, Finding)] == [("good.py", "S307")]
