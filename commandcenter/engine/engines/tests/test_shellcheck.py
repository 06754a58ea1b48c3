"""The shellcheck engine: bugs in scripts of its shells, deaf to the repository, with failures where it cannot know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines import shellcheck
from commandcenter.engine.engines.shellcheck import ENGINE, dialect
from commandcenter.engine.engines.shellcheck_rules import CWE, RULES
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.limits import Limits

BAD = '#!/bin/bash\nrm -rf "$dir/"\n'


def findings(results: list[Result]) -> list[Finding]:
    return [result for result in results if isinstance(result, Finding)]


def said(results: list[Result]) -> list[tuple[str, int, str, bool]]:
    return [(f.path, f.start_line, f.rule_id, f.inline_suppressed) for f in findings(results)]


def failures(results: list[Result]) -> list[tuple[str | None, bool]]:
    return [(result.path, result.transient) for result in results if isinstance(result, Failure)]


def test_reports_what_loses_data_and_no_style(tmp_path: Path) -> None:
    script = '#!/bin/bash\nset -e\ndir=$1\nrm -rf "$dir/"\nunused=1\nx=`date`\n[ -n $dir ] && echo "é" && echo $x\n'
    results = run(ENGINE, {"bin/clean.sh": script}, tmp_path)
    assert said(results) == [("bin/clean.sh", 4, "SC2115", False), ("bin/clean.sh", 7, "SC2070", False)]
    first, second = findings(results)
    assert (first.severity, first.cwe, first.snippet) == ("high", ("CWE-73",), 'rm -rf "$dir/"')
    assert (first.start_column, first.end_column) == (8, 15)
    assert second.message.startswith("-n doesn't work with unquoted arguments")


@pytest.mark.parametrize(
    "script",
    [
        '#!/bin/bash\n# shellcheck disable=SC2115\nrm -rf "$dir/"\n',
        '#!/bin/bash\n# shellcheck disable=all\n\nrm -rf "$dir/"\n',
        '#!/bin/bash\n#shellcheck disable=SC2000-SC2999\nf() {\n  rm -rf "$dir/"\n}\n',
    ],
)
def test_a_silenced_line_is_reported_as_silenced(tmp_path: Path, script: str) -> None:
    (result,) = findings(run(ENGINE, {"a.sh": script}, tmp_path))
    assert (result.rule_id, result.inline_suppressed) == ("SC2115", True)
    (loud,) = findings(run(ENGINE, {"a.sh": BAD}, tmp_path / "scratch"))
    assert result.snippet == loud.snippet, "silencing a line does not make it another finding"


def test_a_directive_for_another_rule_silences_nothing(tmp_path: Path) -> None:
    script = '#!/bin/bash\n# shellcheck disable=SC2086\nrm -rf "$dir/"\n'
    assert said(run(ENGINE, {"a.sh": script}, tmp_path)) == [("a.sh", 3, "SC2115", False)]


def test_a_directive_that_breaks_the_parser_silences_nothing(tmp_path: Path) -> None:
    script = '#!/bin/bash\n# shellcheck disable=,\nrm -rf "$dir/"\n'
    assert said(run(ENGINE, {"a.sh": script}, tmp_path)) == [("a.sh", 3, "SC2115", False)]


def test_configuration_and_environment_silence_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELLCHECK_OPTS", "-e SC2115")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".shellcheckrc").write_text("disable=SC2115\n")
    files = {".shellcheckrc": "disable=all\n", "shellcheckrc": "disable=all\n", "a.sh": BAD, "b/a.sh": BAD}
    assert [(path, rule) for path, _, rule, _ in said(run(ENGINE, files, tmp_path))] == [
        ("a.sh", "SC2115"),
        ("b/a.sh", "SC2115"),
    ]


def test_files_that_a_script_sources_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "outside.sh").write_text('rm -rf "$secret/"\n')
    script = f"#!/bin/bash\n# shellcheck source={tmp_path}/outside.sh external-sources=true\n. {tmp_path}/outside.sh\n"
    assert run(ENGINE, {"a.sh": script}, tmp_path) == []


@pytest.mark.parametrize(
    ("path", "content", "shell"),
    [
        ("a.sh", "echo\n", "bash"),
        ("a.sh", "#!/bin/sh\n", "sh"),
        ("a.ksh", "echo\n", "ksh"),
        ("a.sh", "# shellcheck shell=dash\n", "dash"),
        ("run", "#!/usr/bin/env bash\n", "bash"),
        ("run", "#!/usr/bin/env -S bash -eu\n", "bash"),
        ("run", "#! /bin/busybox ash\n", "dash"),
        ("run", "\ufeff#!/bin/dash\r\n", "dash"),
        ("run", "echo\n", None),
        ("run", "#!/usr/bin/env\n", None),
        ("run", "#!/usr/bin/python3\n", None),
        ("a.sh", "#!/bin/zsh\n", None),
        ("a.sh", "#!/usr/bin/fish\n", None),
        ("a.sh", "#!/bin/sh\0\x01\x02", None),
    ],
)
def test_the_first_line_says_which_shell_and_else_the_suffix(
    path: str, content: str, shell: str | None
) -> None:
    data = content.encode()
    assert dialect(Blob(Entry(path, "0" * 40, len(data)), data)) == shell


def test_small_files_without_a_suffix_are_looked_at() -> None:
    picked = {
        path: ENGINE.select(Entry(path, "0" * 40, size))
        for path, size in (("a.sh", 10**6), ("bin/run", 100), ("bin/big", 10**6), ("a.py", 10), ("empty", 0))
    }
    assert picked == {"a.sh": True, "bin/run": True, "bin/big": False, "a.py": False, "empty": False}


def test_a_script_that_cannot_be_parsed_is_a_failure_of_that_file(tmp_path: Path) -> None:
    results = run(ENGINE, {"bad.sh": '#!/bin/bash\nif true; then\nrm -rf "$a/"\n', "good.sh": BAD}, tmp_path)
    assert failures(results) == [("bad.sh", False)]
    assert said(results) == [("good.sh", 2, "SC2115", False)]


def test_a_script_that_is_too_large_is_a_failure_of_that_file(tmp_path: Path) -> None:
    results = run(ENGINE, {"big.sh": "#!/bin/sh\n" + "echo\n" * 100_000, "good.sh": BAD}, tmp_path)
    assert failures(results) == [("big.sh", False)]
    assert said(results) == [("good.sh", 2, "SC2115", False)]


def test_a_script_that_takes_too_long_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shellcheck, "SECONDS", 1.0)
    slow = "#!/bin/bash\n" + 'if [ -f "$a" ]; then b=$(cat "$a" | grep x); fi\n' * 5000
    files = {f"s{n}.sh": BAD for n in range(6)} | {"slow.sh": slow}
    log: list[str] = []
    results = run(ENGINE, files, tmp_path, log=log)
    assert failures(results) == [("slow.sh", False)]
    assert {path for path, *_ in said(results)} == set(files) - {"slow.sh"}
    assert any("No answer" in line for line in log), "the worker hears of it meanwhile"


def test_a_lack_of_memory_costs_only_the_script_that_has_it(tmp_path: Path) -> None:
    large = "#!/bin/bash\n" + 'if [ -f "$a" ]; then b=$(cat "$a" | grep x); fi\n' * 4000
    limits = replace(Limits(), tool_seconds=60.0, memory_bytes=90 * 1024 * 1024)
    results = run(ENGINE, {"large.sh": large, "good.sh": BAD}, tmp_path, limits=limits)
    assert failures(results) == [("large.sh", False)]
    assert said(results) == [("good.sh", 2, "SC2115", False)]


def test_carriage_returns_are_one_finding_of_a_file(tmp_path: Path) -> None:
    assert [
        (line, rule)
        for _, line, rule, _ in said(run(ENGINE, {"a.sh": "#!/bin/sh\r\necho a\r\necho b\r\n"}, tmp_path))
    ] == [(1, "SC1017")]


def test_what_looks_like_a_secret_is_not_quoted(tmp_path: Path) -> None:
    script = '#!/bin/bash\ncurl --token=hunter2hunter "$u" ; cd /x ; PASSWORD="p4ssw0rd" x="$AKIAIOSFODNN7EXAMPLE2" rm -rf "$d/"\n'
    text = " ".join(f"{f.message} {f.snippet}" for f in findings(run(ENGINE, {"a.sh": script}, tmp_path)))
    assert "[redacted]" in text
    assert not any(secret in text for secret in ("hunter2", "p4ssw0rd", "AKIA"))


def test_the_rules_are_described_and_the_tool_knows_their_codes(tmp_path: Path) -> None:
    assert len(RULES) >= 90
    assert CWE.keys() <= RULES.keys()
    for rule in ENGINE.rules():
        assert rule.short.endswith(".")
        assert rule.full
        assert rule.help
        assert rule.help_url == f"https://www.shellcheck.net/wiki/{rule.id}"
    script = (
        '#!/bin/bash\neval "$@"\nfor f in $(find . -name x); do rm $f; done\ncd /tmp\nexport $foo\nread $foo\n'
        "[ 0 ]\n[[ $x > 20 ]]\nls 2>&1 > x\nprintf 'a' b\ntrap 'x' KILL\nlocal a=1\nif [[ $a =~ \"b.*\" ]]; then :; fi\n"
        "case foo in a) ;; esac\na = 1\nfind . | xargs rm\nsu root\nsudo ls > /x\n"
    )
    rules = {rule for _, _, rule, _ in said(run(ENGINE, {"a.sh": script}, tmp_path))}
    assert {"SC2044", "SC2164", "SC2163", "SC2229", "SC2159", "SC2071", "SC2069", "SC2182", "SC2173"} <= rules
    assert {"SC2168", "SC2076", "SC2194", "SC2283", "SC2038", "SC2117", "SC2024"} <= rules
