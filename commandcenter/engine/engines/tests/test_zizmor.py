"""The zizmor engine: workflows, actions and Dependabot's configuration, offline and deaf to the repository."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.engines.zizmor import ENGINE
from commandcenter.engine.engines.zizmor_rules import RULES

WORKFLOW = """name: Check é
on: pull_request_target
permissions: {}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          true
          echo "é ${{ github.event.pull_request.title }}"
"""
PATH = ".github/workflows/check.yml"


def findings(results: list[Result]) -> list[Finding]:
    return [result for result in results if isinstance(result, Finding)]


def said(results: list[Result]) -> set[tuple[str, int, str, bool]]:
    return {(f.path, f.start_line, f.rule_id, f.inline_suppressed) for f in findings(results)}


def test_reports_what_is_dangerous_with_the_place_in_the_file(tmp_path: Path) -> None:
    results = run(ENGINE, {PATH: WORKFLOW}, tmp_path)
    assert said(results) >= {
        (PATH, 2, "dangerous-triggers", False),
        (PATH, 8, "artipacked", False),
        (PATH, 8, "unpinned-uses", False),
        (PATH, 11, "template-injection", False),
    }
    injection = next(f for f in findings(results) if f.rule_id == "template-injection")
    assert (injection.severity, injection.cwe) == ("high", ("CWE-94", "CWE-78"))
    assert injection.snippet == 'echo "é ${{ github.event.pull_request.title }}"'
    line = WORKFLOW.splitlines()[10]
    assert injection.start_column is not None
    assert injection.end_column is not None
    marked = line[injection.start_column - 1 : injection.end_column - 1]
    assert marked == "github.event.pull_request.title"
    assert all(f.message and f.rule_id in RULES for f in findings(results))


def test_an_allowed_line_is_reported_as_silenced(tmp_path: Path) -> None:
    text = WORKFLOW.replace("checkout@v4", "checkout@v4 # zizmor: ignore[unpinned-uses, artipacked]")
    results = run(ENGINE, {PATH: text}, tmp_path)
    silenced = {rule for _, _, rule, inline in said(results) if inline}
    assert silenced == {"unpinned-uses", "artipacked"}
    before = {f.rule_id: f.snippet for f in findings(run(ENGINE, {PATH: WORKFLOW}, tmp_path / "scratch"))}
    assert {f.rule_id: f.snippet for f in findings(results)} == before, "it does not become another finding"


def test_configuration_and_environment_silence_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = "rules:\n  unpinned-uses: {disable: true}\n  template-injection:\n    ignore: [check.yml]\n"
    monkeypatch.setenv("ZIZMOR_CONFIG", str(tmp_path / "zizmor.yml"))
    (tmp_path / "zizmor.yml").write_text(off)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "zizmor.yml").write_text(off)
    files = {"zizmor.yml": off, ".github/zizmor.yml": off, ".gitignore": "*\n", PATH: WORKFLOW}
    rules = {rule for _, _, rule, _ in said(run(ENGINE, files, tmp_path))}
    assert {"unpinned-uses", "template-injection"} <= rules


def test_actions_and_dependabot_are_read_by_what_they_are(tmp_path: Path) -> None:
    action = "name: a\ndescription: d\nruns:\n  using: composite\n  steps:\n    - run: echo ${{ inputs.x }}\n      shell: bash\n"
    bot = (
        "version: 2\nupdates:\n  - package-ecosystem: npm\n    directory: /\n    schedule: {interval: daily}\n"
        "    insecure-external-code-execution: allow\n"
    )
    files = {
        "tools/action.yaml": action,
        ".github/workflows/action.yml": WORKFLOW,
        ".github/workflows/dependabot.yml": WORKFLOW,
        ".github/dependabot.yaml": bot,
    }
    found = {(path, rule) for path, _, rule, _ in said(run(ENGINE, files, tmp_path))}
    assert found >= {
        ("tools/action.yaml", "template-injection"),
        (".github/workflows/action.yml", "dangerous-triggers"),
        (".github/workflows/dependabot.yml", "dangerous-triggers"),
        (".github/dependabot.yaml", "dependabot-execution"),
    }


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (PATH, True),
        (".github/workflows/a.yaml", True),
        (".github/workflows/sub/a.yml", False),
        ("docs/.github/workflows/a.yml", False),
        (".github/workflows/a.json", False),
        ("action.yml", True),
        ("a/b/action.yaml", True),
        ("my-action.yml", False),
        (".github/dependabot.yml", True),
        ("dependabot.yml", False),
    ],
)
def test_it_reads_what_github_reads(path: str, wanted: bool) -> None:
    assert ENGINE.select(Entry(path, "0" * 40, 1)) is wanted


@pytest.mark.parametrize(
    "content",
    [
        b"jobs: [\n",
        b"just: text\n",
        b"",
        b"name: \xff\n",
        b"a: " + b"[" * 8_000,
        b"a: &a [x,x]\nb: &b [*a,*a]\n",
        b"# " + b"x" * 300_000,
        b"on: push\njobs: {a: {runs-on: x, steps: [{run: echo}]}}\n\0",
    ],
)
def test_what_is_no_workflow_is_a_failure_of_that_file(tmp_path: Path, content: bytes) -> None:
    bad: dict[str, str | bytes] = {".github/workflows/bad.yml": content}
    for name, files in (("alone", bad), ("beside", {**bad, PATH: WORKFLOW})):
        (tmp_path / name).mkdir()
        results = run(ENGINE, files, tmp_path / name)
        failed = [(r.path, r.transient) for r in results if isinstance(r, Failure)]
        assert failed == [(".github/workflows/bad.yml", False)]
        assert {path for path, *_ in said(results)} == files.keys() - {".github/workflows/bad.yml"}


def test_an_alias_bomb_costs_only_itself(tmp_path: Path) -> None:
    names = "abcdefghij"
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]" for old, new in pairwise(names)]
    results = run(ENGINE, {".github/workflows/bomb.yml": "\n".join(lines), PATH: WORKFLOW}, tmp_path)
    assert [r.path for r in results if isinstance(r, Failure)] == [".github/workflows/bomb.yml"]
    assert {path for path, *_ in said(results)} == {PATH}


def test_a_password_in_a_workflow_is_named_but_not_quoted(tmp_path: Path) -> None:
    text = WORKFLOW.replace(
        "    steps:",
        "    container:\n      image: x.io/a@sha256:abc\n      credentials: {username: me, password: hunter2}\n    steps:",
    )
    results = findings(run(ENGINE, {PATH: text}, tmp_path))
    assert "hardcoded-container-credentials" in {f.rule_id for f in results}
    assert not any("hunter2" in f"{f.message} {f.snippet}" for f in results)


def test_the_rules_are_described() -> None:
    assert len(RULES) >= 25
    for rule in ENGINE.rules():
        assert rule.short.endswith(".")
        assert rule.help
        assert rule.help_url == f"https://docs.zizmor.sh/audits/#{rule.id}"
