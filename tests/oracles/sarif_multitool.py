"""Microsoft's sarif-multitool finds nothing wrong with our SARIF by GitHub's rules. Run by `make formats`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commandcenter.analysis.models import Finding, SuppressionKind
from commandcenter.analysis.tests import hostile
from commandcenter.analysis.tests.conftest import folders, git_repository  # noqa: F401
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, make_user, messages
from commandcenter.analysis.tests.running import analysis_of, run
from commandcenter.analysis.triage.suppress import suppress
from exports.formats import sarif_github
from exports.tests.test_formats import HOSTILE, export

pytestmark = pytest.mark.django_db(transaction=True)

PACKAGES = Path(__file__).resolve().parents[2] / "build/oracles/node_modules/@microsoft"
# Notes of its general rules that do not fit us; docs/exports.md says why, rule by rule.
EXPLAINED = {
    "SARIF2002 Note_Default",
    "SARIF2003 Note_Default",
    "SARIF2006 Note_Default",
    "SARIF2009 Note_UseConventionalRuleIds",
    "SARIF2010 Note_Default",
    "SARIF2011 Note_Default",
    "SARIF2012 Note_ProvideMetadataForAllViolatedRules",
    "SARIF2017 Warning_MissingRegion",
}

Complaint = tuple[str, str]  # a rule with its message, and what it is about


@pytest.fixture
def complaints(tmp_path: Path) -> Callable[..., list[Complaint]]:
    """Return a function that lists what the program says of a document."""
    [program] = PACKAGES.glob("sarif-multitool-*/Sarif.Multitool")
    program.chmod(0o755)  # its package does that in an install script, and those are not run

    def validate(document: bytes, kinds: str = "Sarif;Gh") -> list[Complaint]:
        given, said = tmp_path / "given.sarif", tmp_path / "said.sarif"
        given.write_bytes(document)
        argv = [
            str(program), "validate", str(given), "--rule-kind", kinds, "--level", "Error;Warning;Note",
            "--kind", "Fail", "--output", str(said), "--log", "ForceOverwrite",
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        log = json.loads(said.read_text("utf-8-sig"))["runs"][0]
        assert log["invocations"][0]["executionSuccessful"]
        return [
            (f"{each['ruleId']} {each['message']['id']}", " ".join(each["message"].get("arguments", [])))
            for each in log.get("results", [])
        ]

    return validate


# What Azure DevOps wants to know of the pipeline that uploads.
OF_THE_PIPELINE = {"GHAzDO1019", "GHAzDO1020"}


def unexplained(found: list[Complaint]) -> list[Complaint]:
    return [each for each in found if each[0] not in EXPLAINED]


@pytest.mark.usefixtures("folders")
def test_what_the_engines_find(git_repository: Any, complaints: Any) -> None:  # noqa: F811
    git_repository.commit(
        {
            "key.py": f"k\u00e9y = 1\n\u00e9 = 1; {hostile.SECRET}",
            "run.sh": "#!/bin/sh\ncd $1\n",
            "Dockerfile": "FROM debian:latest\nRUN cd /x; sudo apt-get install x\n",
            "a.js": "eval(y); new Function(q);\n",
        }
    )
    repository = make_repository(source=str(git_repository.folder))
    run(repository)
    analysis = analysis_of(run(repository))
    for profile in ("full", "github"):
        assert unexplained(complaints(export(analysis, "sarif", profile=profile))) == []


def test_what_people_decided_and_what_changed(complaints: Any) -> None:
    repository = make_repository(source="https://git.example.com/team/billing.git")
    analyse(repository, messages([finding("stays"), finding("goes"), finding("accepted")]))
    rows = [
        finding("stays"),
        finding("accepted"),
        finding("hostile", path=HOSTILE, message='"quoted" \x00 {0} [a](b) <b>\U0001f600</b>'),
        finding("bytes", path="caf\\xe9.py"),
        finding("file", start_line=0, end_line=0, inline_suppressed=True),
    ]
    unread = [("ruff", "b c.py", "It is larger than 5 MiB.")]
    engines = {"lines": "failed", "ruff": "partial", "secrets": "unavailable"}
    said = messages(rows, engines=engines, unread=unread)
    analysis = analyse(repository, said)
    chosen = [Finding.objects.get(fingerprint="v1:accepted").pk]
    user = make_user(repository.project)
    suppress(chosen, by=user, reason="Not ours.", kind=SuppressionKind.ACCEPTED_RISK, expires_at=None)
    for profile in ("full", "github"):
        found = complaints(export(analysis, "sarif", profile=profile))
        assert unexplained(found) == []
        assert "SARIF2003 Note_Default" not in dict(found)


def test_azure_devops_misses_only_what_its_pipeline_knows(complaints: Any) -> None:
    repository = make_repository(source="https://dev.azure.com/team/project/_git/billing")
    rows = [finding("a"), finding("file", start_line=0, end_line=0)]
    analysis = analyse(repository, messages(rows, engines={"ruff": "partial", "zizmor": "ok"}))
    found = complaints(export(analysis, "sarif", profile="github"), "Ghazdo")
    assert {name.split()[0] for name, _about in found} == OF_THE_PIPELINE


def test_what_was_left_out_for_github(complaints: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif_github, "GITHUB", sarif_github.Limits(runs=1, results=3, shown=2))
    rows = [finding(f"n{n}", severity="low") for n in range(5)]
    analysis = analyse(make_repository(), messages(rows, engines={"ruff": "ok", "zizmor": "ok"}))
    assert unexplained(complaints(export(analysis, "sarif", profile="github"))) == []


def test_the_program_does_find_what_is_wrong(complaints: Any) -> None:
    document = json.loads(export(analyse(make_repository(), messages([finding("a")])), "sarif"))
    document["runs"][0]["results"][0]["locations"] = []
    found = complaints(json.dumps(document).encode())
    assert "GH1015 Error_EmptyLocationsArray" in dict(found)
