"""What the formats write: valid by schemas that are not ours, faithful on hostile names, in bounded pieces."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from django.conf import settings as settings_
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator

from commandcenter.analysis.models import Analysis, Finding, SuppressionKind
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    make_repository,
    make_user,
    messages,
    rule,
    technology_row,
)
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.engine.source.names import printable
from exports.addresses import path_uri, repository_uri, without_credentials
from exports.formats.sarif_rules import semantic_version
from exports.options import read
from exports.registry import FORMATS, ExportSource, UnknownFormat, format_named

ROOT = Path(__file__).resolve().parents[2]
SARIF_SCHEMA = Draft4Validator(json.loads((ROOT / "tests/schemas/sarif-schema-2.1.0.json").read_text()))
JSON_SCHEMA = Draft202012Validator(json.loads((ROOT / "exports/schemas/analysis-1.json").read_text()))


def surely_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


HOSTILE = 'a b/#?%:"\\<script>\U0001f600/é\u202e,\n=cmd().py'

pytestmark = pytest.mark.django_db


def export(analysis: Any, name: Any, **options: str) -> Any:
    loaded = Analysis.objects.with_results().select_related("repository", "project").get(pk=analysis.pk)
    wanted = format_named(name)
    return b"".join(wanted.write(ExportSource(loaded), read(wanted.info.options, options)))


def sarif(analysis: Any) -> Any:
    document = json.loads(export(analysis, "sarif"))
    assert [error.message for error in SARIF_SCHEMA.iter_errors(document)] == []
    return document


def document(analysis: Any) -> Any:
    made = json.loads(export(analysis, "json"))
    assert [error.message for error in JSON_SCHEMA.iter_errors(made)] == []
    return made


@pytest.fixture
def repository() -> Any:
    return make_repository(source="https://git.example.com/team/billing.git")


def run_of(log: Any, engine: Any) -> Any:
    return next(run for run in log["runs"] if run["tool"]["driver"]["name"] == engine)


def test_sarif_has_one_run_per_engine_that_reports_findings(repository: Any) -> None:
    said = messages(
        [finding("a"), finding("key", engine="secrets", rule_id="aws-key", severity="critical")],
        engines={"lines": "ok", "ruff": "ok", "secrets": "ok", "zizmor": "ok"},
    )
    log = sarif(analyse(repository, said))
    assert [run["tool"]["driver"]["name"] for run in log["runs"]] == ["ruff", "secrets", "zizmor"]
    ids = [run["automationDetails"]["id"] for run in log["runs"]]
    assert len(set(ids)) == 3
    assert run_of(log, "zizmor")["results"] == []


def test_sarif_describes_rules_and_points_at_them(repository: Any) -> None:
    log = sarif(analyse(repository, messages([finding("a", severity="medium")])))
    run = run_of(log, "ruff")
    described = run["tool"]["driver"]["rules"][0]
    assert described["id"] == "S105"
    assert described["name"] == "HardcodedPasswordString"
    assert described["helpUri"] == f"{settings_.PUBLIC_URL}/rules/ruff/S105/"
    assert described["help"]["text"] == (
        "Possible hardcoded password.\n\n"
        "Why it matters: A password in the code can be read by everyone who can read the code.\n\n"
        "How to fix it: Read it from the environment."
    )
    assert "**How to fix it**" in described["help"]["markdown"]
    assert f"({described['helpUri']})" in described["help"]["markdown"]
    assert "(https://docs.example.com/rules/S105)" in described["help"]["markdown"]
    assert described["defaultConfiguration"] == {"level": "error"}
    assert described["properties"]["precision"] == "medium"
    assert described["properties"]["security-severity"] == "8.0"
    assert "external/cwe/cwe-259" in described["properties"]["tags"]
    result = run["results"][0]
    assert (result["ruleId"], result["ruleIndex"], result["level"]) == ("S105", 0, "warning")
    assert result["partialFingerprints"] == {"commandCenterFingerprint/v1": "v1:a"}
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "src/a.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "endLine": 4, "startColumn": 5, "endColumn": 12},
    }
    assert run["tool"]["driver"]["semanticVersion"] == "1.0.0+ruff-0.17.6"


def test_sarif_says_new_unchanged_and_absent_once_there_is_a_baseline(repository: Any) -> None:
    first = analyse(repository, messages([finding("stays"), finding("goes")]))
    assert all("baselineState" not in result for result in run_of(sarif(first), "ruff")["results"])
    second = analyse(repository, messages([finding("stays"), finding("comes", inline_suppressed=True)]))
    run = run_of(sarif(second), "ruff")
    states = {
        r["partialFingerprints"]["commandCenterFingerprint/v1"]: r["baselineState"] for r in run["results"]
    }
    assert states == {"v1:stays": "unchanged", "v1:comes": "new", "v1:goes": "absent"}
    kinds = [[each["kind"] for each in r["suppressions"]] for r in run["results"]]
    assert sorted(kinds) == [[], [], ["inSource"]], "the standard asks all results of a run for it, or none"
    assert run["baselineGuid"] == run_of(sarif(first), "ruff")["automationDetails"]["guid"]


def test_sarif_says_who_decided_what_outside_the_code(repository: Any) -> None:
    analysis = analyse(repository, messages([finding("a"), finding("b", severity="low")]))
    until = datetime(2099, 1, 2, 3, 4, tzinfo=UTC)
    chosen = Finding.objects.get(fingerprint="v1:a")
    user = make_user(repository.project)
    suppress(
        [chosen.pk], by=user, reason="A test key.", kind=SuppressionKind.FALSE_POSITIVE, expires_at=until
    )
    results = run_of(sarif(analysis), "ruff")["results"]
    assert [result["suppressions"] for result in results] == [
        [
            {
                "kind": "external",
                "status": "accepted",
                "justification": "False positive until 2099-01-02 03:04 UTC: A test key.",
            }
        ],
        [],
    ]


def test_sarif_tells_of_an_engine_that_did_not_end_well(repository: Any) -> None:
    said = messages([finding("a")], engines={"lines": "failed", "ruff": "partial", "secrets": "unavailable"})
    log = sarif(analyse(repository, said))
    for engine, level in (("ruff", "warning"), ("secrets", "error"), ("lines", "error")):
        invocation = run_of(log, engine)["invocations"][0]
        assert invocation["executionSuccessful"] is False
        notification = invocation["toolExecutionNotifications"][0]
        assert (notification["level"], notification["message"]["text"]) == (
            level,
            f"{engine} did not end well.",
        )


def test_sarif_names_the_commit_without_credentials() -> None:
    repository = make_repository(source="https://zoyka:s3cret@git.example.com:8443/team/a%20b.git")
    written = export(analyse(repository, messages([finding("a")])), "sarif")
    assert b"s3cret" not in written
    assert b"zoyka" not in written
    origin = json.loads(written)["runs"][0]["versionControlProvenance"][0]
    assert origin["repositoryUri"] == "https://git.example.com:8443/team/a%20b.git"
    assert origin["branch"] == "main"
    assert origin["revisionId"]


def test_sarif_of_a_folder_has_no_provenance() -> None:
    written = sarif(analyse(make_repository(source="/srv/code"), messages([finding("a")])))
    assert "versionControlProvenance" not in written["runs"][0]


def test_a_finding_about_a_whole_file_has_no_region(repository: Any) -> None:
    log = sarif(analyse(repository, messages([finding("a", start_line=0, end_line=0)])))
    place = run_of(log, "ruff")["results"][0]["locations"][0]["physicalLocation"]
    assert "region" not in place


def test_json_holds_everything(repository: Any) -> None:
    analysis = analyse(
        repository,
        messages(
            [finding("a")],
            files=[file_row("src/a.py"), file_row("b.bin", last_commit_at=None, binary=True)],
            dependencies=[dependency_row("django"), dependency_row("requests", None)],
            technologies=[technology_row("Django")],
        ),
    )
    made = document(analysis)
    assert made["format"] == "commandcenter.analysis"
    assert made["analysis"]["id"] == analysis.pk
    assert [row["path"] for row in made["files"]] == ["src/a.py", "b.bin"]
    assert [row["version"] for row in made["dependencies"]] == ["1.0.0", None]
    assert made["technologies"][0]["name"] == "Django"
    assert made["findings"][0]["rule_id"] == made["rules"][0]["rule_id"] == "S105"


def test_json_leaves_credentials_out() -> None:
    repository = make_repository(source="https://ada:s3cret@git.example.com/x.git")
    made = document(analyse(repository, messages([])))
    assert made["repository"]["source"] == "https://git.example.com/x.git"


def test_an_analysis_without_any_rows_is_a_whole_document(repository: Any) -> None:
    empty = analyse(repository, messages([]))
    made = document(empty)
    assert [made[name] for name in ("rules", "findings", "dependencies", "technologies", "files")] == [[]] * 5
    assert all(run["results"] == [] for run in sarif(empty)["runs"])


def test_both_hold_hostile_names(repository: Any) -> None:
    hostile = finding("x", path=HOSTILE, message='"quoted" \x00 <b>\U0001f600</b>')
    analysis = analyse(
        repository,
        messages(
            [hostile], files=[file_row(HOSTILE)], rules=[rule(name='"\n', short="\x00", tags=["a\x00"])]
        ),
    )
    found = run_of(sarif(analysis), "ruff")["results"][0]
    uri = found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert " " not in uri
    assert "\x00" not in found["message"]["text"]
    assert document(analysis)["findings"][0]["path"] == HOSTILE


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(raw=st.one_of(st.binary(min_size=1, max_size=60), st.text(min_size=1, max_size=60).map(surely_bytes)))
def test_the_path_of_any_file_becomes_a_relative_reference_of_the_same_bytes(raw: bytes) -> None:
    raw = raw.lstrip(b"/") or b"a"
    uri = path_uri(printable(raw))
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert uri.isascii()
    assert uri.isprintable()
    assert unquote_to_bytes(uri) == raw


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://git.example.com/a/b.git", "https://git.example.com/a/b.git"),
        ("https://u:p@git.example.com/a.git", "https://git.example.com/a.git"),
        ("git@git.example.com:team/a.git", "ssh://git.example.com/team/a.git"),
        ("ssh://git@[2001:db8::1]:2222/a.git", "ssh://[2001:db8::1]:2222/a.git"),
        ("HTTPS://git.example.com/a b", "https://git.example.com/a%20b"),
        ("https://git.example.com/a%zz/100%", "https://git.example.com/a%25zz/100%25"),
        ("https://[::1/a", None),
        ("https://gi|t.example.com/a", None),
        ("https://git.example.com:port/a", None),
        ("git@gi<t.example.com:a", None),
        ("/srv/git/a.git", None),
        ("file:///srv/git/a.git", None),
        ("./a:b", None),
    ],
)
def test_repository_addresses(source: Any, expected: Any) -> None:
    assert repository_uri(source) == expected


def test_credentials_are_taken_out_of_addresses() -> None:
    assert without_credentials("https://u:p%40@h/x") == "https://h/x"
    assert without_credentials("https://u:p@[::1/x") == "https://[::1/x"
    assert without_credentials("https://h/a@b?c@d") == "https://h/a@b?c@d"
    assert without_credentials("/srv/a@b") == "/srv/a@b"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1+ruff-0.17.6", "1.0.0+ruff-0.17.6"),
        ("2", "2.0.0"),
        ("missing", "0.0.0"),
        ("1+a+b..c", "1.0.0+a.b.c"),
    ],
)
def test_engine_versions_as_semantic_versions(version: Any, expected: Any) -> None:
    assert semantic_version(version) == expected


def test_a_long_analysis_is_written_in_pages(repository: Any, django_assert_max_num_queries: Any) -> None:
    many = [finding(f"n{number:05}", severity="low") for number in range(4500)]
    analysis = analyse(repository, messages(many))
    loaded = Analysis.objects.with_results().select_related("repository", "project").get(pk=analysis.pk)
    pieces = list(
        format_named("sarif").write(ExportSource(loaded), read(format_named("sarif").info.options, {}))
    )
    assert max(map(len, pieces)) < 200_000
    with django_assert_max_num_queries(60):
        results = run_of(json.loads(export(analysis, "sarif")), "ruff")["results"]
    assert len({r["partialFingerprints"]["commandCenterFingerprint/v1"] for r in results}) == 4500


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UnknownFormat, match=", ".join(FORMATS)):
        format_named("pdf")
