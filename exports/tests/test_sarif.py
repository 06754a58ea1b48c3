"""SARIF as GitHub, GitLab and people read it: limits that are declared, pages that exist, one golden document."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commandcenter.analysis.models import Finding, SuppressionKind
from commandcenter.analysis.tests.factories import (
    analyse,
    finding,
    make_project,
    make_repository,
    make_user,
    messages,
    rule,
)
from commandcenter.analysis.triage.suppress import suppress
from exports.formats import sarif_github, sarif_runs
from exports.tests.test_formats import SARIF_SCHEMA, export, run_of, sarif
from jobs.models import Job

pytestmark = pytest.mark.django_db
GOLDEN = Path(__file__).parent / "golden" / "sarif" / "small.sarif"
SEVERITIES = ("critical", "high", "medium", "low", "info")


@pytest.fixture
def repository() -> Any:
    return make_repository(source="https://git.example.com/team/billing.git")


def github(analysis: Any) -> Any:
    document = json.loads(export(analysis, "sarif", profile="github"))
    assert [error.message for error in SARIF_SCHEMA.iter_errors(document)] == []
    return document


def told(run: Any) -> list[tuple[str, str, str]]:
    """The notifications of a run."""
    notices = run["invocations"][0].get("toolExecutionNotifications", [])
    return [(each["descriptor"]["id"], each["level"], each["message"]["text"]) for each in notices]


def limit(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    monkeypatch.setattr(sarif_github, "GITHUB", sarif_github.Limits(**limits))


def many(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Findings of every severity in turn, the least severe first."""
    return [finding(f"n{n:04}", severity=SEVERITIES[-1 - n % 5], **fields) for n in range(count)]


def test_the_github_profile_of_a_small_analysis_leaves_nothing_out(repository: Any) -> None:
    analysis = analyse(repository, messages(many(10), engines={"lines": "ok", "ruff": "ok", "zizmor": "ok"}))
    full, limited = sarif(analysis), github(analysis)
    for run in limited["runs"]:
        for each in run["results"]:
            del each["partialFingerprints"]["primaryLocationLineHash"]
    assert [run["results"] for run in limited["runs"]] == [run["results"] for run in full["runs"]]
    assert [told(run) for run in limited["runs"]] == [[], []]
    assert limited["runs"][0]["properties"]["written"] == 10


def test_results_beyond_the_limit_of_a_run_are_left_out_least_severe_first_and_declared(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, results=12, shown=5)
    others = [finding(f"key{n}", engine="secrets", rule_id="aws", severity="low") for n in range(3)]
    log = github(analyse(repository, messages(many(20) + others)))
    run = run_of(log, "ruff")
    assert [result["properties"]["severity"] for result in run["results"]] == [
        *["critical"] * 4,
        *["high"] * 4,
        *["medium"] * 4,
    ]
    assert told(run) == [
        (
            "results-left-out",
            "warning",
            "8 of 20 findings were left out, the least severe: GitHub takes 12 results a run and 10 MB after gzip a file.",
        ),
        (
            "results-not-shown",
            "warning",
            "GitHub stores the first 5 of these 12 results; the worst come first.",
        ),
    ]
    assert run["properties"]["leftOut"] == {"limits": 8, "suppressed": 0, "fixed": 0}
    described = {each["id"] for each in run["tool"]["driver"]["notifications"]}
    assert {name for name, _level, _text in told(run)} <= described
    assert len(run_of(log, "secrets")["results"]) == 3


def test_a_file_stays_below_its_size_after_gzip_and_keeps_the_worst_of_all_runs(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, bytes=34_000)
    noise = random.Random(1)
    rows = [
        finding(f"n{n}", severity=severity, message=noise.randbytes(60).hex(), **engine)
        for n, (severity, engine) in enumerate(
            (severity, engine)
            for severity in reversed(SEVERITIES)
            for engine in ({}, {"engine": "secrets", "rule_id": "aws"})
            for _ in range(120)
        )
    ]
    analysis = analyse(repository, messages(rows))
    written = export(analysis, "sarif", profile="github")
    assert 20_000 < len(gzip.compress(written)) <= 34_000
    runs = json.loads(written)["runs"]
    kept = Counter(result["properties"]["severity"] for run in runs for result in run["results"])
    assert kept["critical"] == 240
    assert kept["info"] == 0
    assert 0 < sum(kept.values()) < len(rows)
    assert sum(run["properties"]["leftOut"]["limits"] for run in runs) == len(rows) - sum(kept.values())
    for run in runs:
        assert ("results-left-out", "warning") in [notice[:2] for notice in told(run)]


def test_fixed_and_suppressed_findings_are_not_sent_to_github_but_counted(repository: Any) -> None:
    analyse(repository, messages([finding("stays"), finding("goes"), finding("accepted")]))
    rows = [finding("stays"), finding("accepted"), finding("silenced", inline_suppressed=True)]
    analysis = analyse(repository, messages(rows))
    chosen = Finding.objects.get(fingerprint="v1:accepted")
    user = make_user(repository.project)
    suppress([chosen.pk], by=user, reason="Not ours.", kind=SuppressionKind.ACCEPTED_RISK, expires_at=None)
    run = run_of(github(analysis), "ruff")
    assert [
        (r["partialFingerprints"]["commandCenterFingerprint/v1"], r["baselineState"]) for r in run["results"]
    ] == [("v1:stays", "unchanged")]
    assert run["properties"]["leftOut"] == {"limits": 0, "suppressed": 2, "fixed": 1}
    assert [notice[:2] for notice in told(run)] == [("results-left-out", "note")]
    states = Counter(r["baselineState"] for r in run_of(sarif(analysis), "ruff")["results"])
    assert states == {"unchanged": 2, "new": 1, "absent": 1}


def test_github_knows_an_alert_again_on_every_branch_and_after_its_line_moved(repository: Any) -> None:
    """It goes by `primaryLocationLineHash` alone, whatever else is there."""

    def hashes(analysis: Any) -> dict[str, str]:
        prints = [result["partialFingerprints"] for result in run_of(github(analysis), "ruff")["results"]]
        return {each["commandCenterFingerprint/v1"]: each["primaryLocationLineHash"] for each in prints}

    first = hashes(analyse(repository, messages([finding("a"), finding("b")])))
    moved = hashes(analyse(repository, messages([finding("a", start_line=30, end_line=31)])))
    branch = hashes(analyse(repository, messages([finding("a")]), ref="feature/x", asked_for="feature/x"))
    assert first["v1:a"] == moved["v1:a"] == branch["v1:a"] != first["v1:b"]
    assert re.fullmatch(r"[0-9a-f]{16}:1", first["v1:a"])


@pytest.mark.parametrize(
    ("reference", "origin"),
    [
        ("refs/heads/main", {"branch": "main"}),
        ("refs/tags/main", {"revisionTag": "main"}),
        ("", {}),
        (None, {"branch": "main"}),
    ],
)
def test_the_origin_tells_a_tag_from_a_branch(
    repository: Any, reference: str | None, origin: dict[str, str]
) -> None:
    analysis = analyse(repository, messages([finding("a")]))
    Job.objects.filter(analysis=analysis).update(result={"reference": reference})
    (said,) = sarif(analysis)["runs"][0]["versionControlProvenance"]
    assert {name: said[name] for name in ("branch", "revisionTag") if name in said} == origin


def test_too_many_runs_keep_those_with_the_worst_findings(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, runs=2)
    said = messages(
        [
            finding("a", severity="low"),
            finding("b", engine="secrets", rule_id="aws", severity="critical"),
        ],
        engines={"zizmor": "ok", "ruff": "ok", "secrets": "partial", "hadolint": "ok"},
    )
    log = github(analyse(repository, said))
    assert [run["tool"]["driver"]["name"] for run in log["runs"]] == ["ruff", "secrets"]
    assert [notice for notice in told(log["runs"][0]) if notice[0] == "runs-left-out"] == [
        (
            "runs-left-out",
            "warning",
            "Runs were left out, those with the least severe findings, for GitHub takes 2 a file: zizmor, hadolint.",
        )
    ]
    assert [notice[0] for notice in told(log["runs"][1])] == ["engine-partial"]


def test_what_is_about_a_whole_file_stands_at_its_first_line_for_github_only(repository: Any) -> None:
    analysis = analyse(repository, messages([finding("a", start_line=0, end_line=0)]))
    places = [
        run_of(log, "ruff")["results"][0]["locations"][0]["physicalLocation"].get("region")
        for log in (sarif(analysis), github(analysis))
    ]
    assert places == [None, {"startLine": 1}]


def test_files_that_an_engine_could_not_read_are_named(
    repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sarif_runs, "MAX_UNREAD", 2)
    unread = [("ruff", f"src/a b{n}.py", "It is larger than 5 MiB.") for n in range(3)]
    unread.append(("secrets", "key.pem", "It is binary."))
    analysis = analyse(repository, messages([finding("a")], unread=unread))
    for log in (sarif(analysis), github(analysis)):
        run = run_of(log, "ruff")
        said = run["invocations"][0]["toolExecutionNotifications"]
        assert [each["descriptor"]["id"] for each in said] == ["file-unread", "file-unread", "files-unread"]
        assert said[0]["message"]["text"] == "It is larger than 5 MiB."
        place = said[0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place == {"uri": "src/a%20b0.py", "uriBaseId": "%SRCROOT%"}
        assert [notice[0] for notice in told(run_of(log, "secrets"))] == ["file-unread"]
        described = [each["id"] for each in run["tool"]["driver"]["notifications"]]
        assert described[:2] == ["file-unread", "files-unread"]


def test_a_long_message_is_cut_for_github_only(repository: Any) -> None:
    analysis = analyse(repository, messages([finding("a", message="x" * 3000)]))
    assert len(run_of(sarif(analysis), "ruff")["results"][0]["message"]["text"]) == 3000
    cut = run_of(github(analysis), "ruff")["results"][0]["message"]["text"]
    assert cut == "x" * 1023 + "\u2026"


def test_the_category_of_a_run_is_the_same_for_every_analysis(repository: Any) -> None:
    first = analyse(repository, messages([finding("a")]))
    second = analyse(repository, messages([finding("a"), finding("b")]))
    ids = [sarif(each)["runs"][0]["automationDetails"]["id"].rpartition("/") for each in (first, second)]
    assert [category for category, _slash, _run in ids] == ["commandcenter/ruff"] * 2
    assert [run for _category, _slash, run in ids] == [str(first.pk), str(second.pk)]


@pytest.mark.parametrize("rule_id", ["S105", "a/b.c:d", "caf\u00e9 100%?#", "go.x+y"])
def test_the_help_of_a_rule_is_a_page_that_we_serve(
    repository: Any, client: Client, rule_id: str, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://cc.example.com"
    said = messages([finding("a", rule_id=rule_id)], rules=[rule(rule_id=rule_id, help_url=None)])
    described = sarif(analyse(repository, said))["runs"][0]["tool"]["driver"]["rules"][0]
    address = described["helpUri"]
    assert address.startswith("https://cc.example.com/rules/ruff/")
    client.force_login(make_user(repository.project))
    page = client.get(address.removeprefix("https://cc.example.com"))
    assert page.status_code == 200
    assert "Read it from the environment." in page.content.decode()


def test_gitlab_finds_severity_and_weakness_where_it_looks(repository: Any) -> None:
    rows = [finding(name, severity=name) for name in SEVERITIES]
    run = run_of(sarif(analyse(repository, messages(rows, rules=[rule(cwe=["CWE-79"])]))), "ruff")
    # Its bounds: 90 critical, 70 high, 40 medium, 10 low, else info.
    assert [result["rank"] for result in run["results"]] == [95.0, 80.0, 55.0, 30.0, 5.0]
    assert run["tool"]["driver"]["organization"] == "Command Center"
    tags = run["tool"]["driver"]["rules"][0]["properties"]["tags"]
    assert {"security", "external/cwe/cwe-79", "cwe-79"} <= set(tags)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"name": "use-of-eval"}, "UseOfEval"),
        (
            {"name": "S105", "short": "Quote this to prevent word splitting."},
            "QuoteThisToPreventWordSplitting",
        ),
        ({"name": "S105", "short": "A cd in a RUN."}, "CdInRun"),
        ({"name": "", "short": ""}, "S105"),
    ],
)
def test_every_rule_has_a_friendly_name(repository: Any, known: dict[str, str], expected: str) -> None:
    log = sarif(analyse(repository, messages([finding("a")], rules=[rule(**known)])))
    assert log["runs"][0]["tool"]["driver"]["rules"][0]["name"] == expected


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(texts=st.lists(st.text(max_size=80), min_size=1, max_size=20))
def test_any_text_comes_out_as_it_was_found(repository: Any, texts: list[str]) -> None:
    texts = [
        text.replace("\0", "").encode("utf-8", "replace").decode() for text in texts
    ]  # as the engine sends it
    rows = [finding(f"n{number:02}", message=text) for number, text in enumerate(texts)]
    analysis = analyse(repository, messages(rows))
    for log in (sarif(analysis), github(analysis)):
        written = {
            result["partialFingerprints"]["commandCenterFingerprint/v1"]: result["message"]["text"]
            for result in run_of(log, "ruff")["results"]
            if result.get("baselineState") != "absent"
        }
        assert [written[f"v1:n{number:02}"] for number in range(len(texts))] == [
            text or "S105" for text in texts
        ]


def lasting(value: Any) -> Any:
    """A document without what differs from one installation to the next."""
    if isinstance(value, dict):
        return {key: "*" if key in VOLATILE else lasting(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [lasting(inner) for inner in value]
    return value


VOLATILE = frozenset(
    {"startTimeUtc", "endTimeUtc", "guid", "baselineGuid", "correlationGuid", "analysis", "finding"}
)


def test_the_golden_document(settings: Any) -> None:
    """Compare with golden/sarif/small.sarif; UPDATE_GOLDEN=1 writes it anew."""
    settings.PUBLIC_URL = "https://cc.example.com"
    project = make_project("Payments")
    repository = make_repository(
        project, "https://ada:s3cret@git.example.com/team/billing.git", name="billing"
    )
    analyse(repository, messages([finding("old"), finding("gone", severity="medium")]))
    rows = [
        finding("old"),
        finding("new", path="src/a b\\xff#\u00e9.py", start_column=None, end_column=None),
        finding("file", start_line=0, end_line=0, severity="info", inline_suppressed=True),
        finding("key", engine="secrets", rule_id="aws-key", severity="critical", message='"=cmd()\n<script>'),
    ]
    said = messages(rows, engines={"lines": "failed", "ruff": "partial", "secrets": "ok", "zizmor": "ok"})
    log = lasting(sarif(analyse(repository, said)))
    for run in log["runs"]:
        category, _slash, _number = run["automationDetails"]["id"].rpartition("/")
        run["automationDetails"]["id"] = f"{category}/*"
        for origin in run["versionControlProvenance"]:
            origin["revisionId"] = "*"
        run["properties"]["commit"] = "*"
    text = json.dumps(log, indent=2, ensure_ascii=False) + "\n"
    text = re.sub(r"(?<=https://cc\.example\.com/analyses/)\d+", "*", text)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()
