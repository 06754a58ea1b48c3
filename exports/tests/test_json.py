"""JSON: one document or lines, every member described by the schema, the same each time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.policy import flows
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    license_row,
    make_repository,
    messages,
)
from exports.formats.json_document import KINDS, Json
from exports.options import read
from exports.registry import ExportSource
from exports.tests.factories import analysis_of
from exports.tests.small import compare, small
from exports.tests.test_formats import HOSTILE, ROOT, export

pytestmark = pytest.mark.django_db


def closed(schema: Any) -> Any:
    """The schema, of which no object may have a member that it does not describe."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(inner) for name, inner in schema.items()}
    named = made.get("properties")
    if isinstance(named, dict) and "type" in made and "additionalProperties" not in made:
        made["additionalProperties"] = False
    return made


SCHEMA: dict[str, Any] = json.loads((ROOT / "exports/schemas/analysis-1.json").read_text())
CLOSED = closed(SCHEMA)
STRICT = Draft202012Validator(CLOSED)
LINE = Draft202012Validator({"$defs": SCHEMA["$defs"], **SCHEMA["$defs"]["line"]})


def member(name: str) -> Draft202012Validator:
    """The schema of one member, closed."""
    return Draft202012Validator({"$defs": CLOSED["$defs"], **CLOSED["$defs"][name]})


def errors(validator: Draft202012Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def lines_of(analysis: Any) -> list[dict[str, Any]]:
    written = export(analysis, "json", variant="lines")
    assert written.endswith(b"\n")
    return [json.loads(line) for line in written.splitlines()]


@pytest.fixture
def full() -> Analysis:
    """An analysis with rows of every kind, judged by a policy."""
    repository = make_repository(source="https://git.example.com/team/billing.git")
    flows.create_policy(
        by=None,
        project=repository.project,
        name="default",
        conditions=[{"metric": "findings", "severity_at_least": "high", "at_most": 0}],
    )
    at = datetime(2026, 1, 2, tzinfo=UTC).isoformat()
    person = {
        "name": HOSTILE, "digest": "0" * 16, "commits": 2, "changes": 1, "added": None, "deleted": None,
        "first_commit_at": at, "last_commit_at": at,
    }  # fmt: skip
    said = messages(
        [finding("a", path=HOSTILE), finding("b", inline_suppressed=True)],
        files=[file_row(HOSTILE), file_row("b.bin", last_commit_at=None, binary=True)],
        dependencies=[dependency_row("pen"), dependency_row("ink", None)],
        licenses=[license_row("MIT"), license_row(None, HOSTILE, name="=cmd()")],
        contributors=[person],
        engines={"manifests": "ok", "ruff": "ok", "secrets": "partial", "licenses": "ok"},
    )
    return analyse(repository, said)


def test_a_small_analysis_is_written_as_it_was(tmp_path: Path) -> None:
    analysis = small(tmp_path)
    document = steady(json.loads(export(analysis, "json", pretty="true")))
    compare("json", "small.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    found = [json.dumps(steady(line), ensure_ascii=False) for line in lines_of(analysis)]
    compare("json", "small.jsonl", "\n".join(found) + "\n")


def steady(value: Any) -> Any:
    """A document without what the day decides, or the order of other tests."""
    if isinstance(value, dict):
        return {key: "*" if key in VOLATILE else steady(inner) for key, inner in value.items()}
    return [steady(inner) for inner in value] if isinstance(value, list) else value


VOLATILE = frozenset({"job", "slug", "duration_ms"})


def test_every_member_is_one_that_the_schema_describes(full: Any, tmp_path: Path) -> None:
    for analysis in (full, small(tmp_path)):
        document = json.loads(export(analysis, "json"))
        assert errors(STRICT, document) == []
        assert document["version"] == "1.1"
    document = json.loads(export(full, "json"))
    assert [row["spdx"] for row in document["licenses"]] == ["MIT", None]
    assert document["contributors"][0]["name"] == HOSTILE
    assert document["analysis"]["policy"]["status"] == "failed"
    assert document["analysis"]["policy"]["results"][0]["value"] == 1


def test_gaps_come_with_the_checks_that_found_them(tmp_path: Path) -> None:
    document = json.loads(export(small(tmp_path), "json"))
    assert [row["check"] for row in document["gaps"]] == ["pinned-actions", "readme"]
    assert document["gaps"][0]["evidence"] == [{"path": "a/b.yml", "line": 3}]


def test_vulnerabilities_come_with_the_date_of_their_database(tmp_path: Path) -> None:
    document = json.loads(export(small(tmp_path), "json"))
    assert document["analysis"]["summary"]["dependencies"]["database_as_of"] == "2026-03-01T00:00:00Z"
    known = {row["name"]: row["vulnerabilities"] for row in document["dependencies"]}
    assert [each["id"] for each in known["pen"]] == ["GHSA-nib", "GHSA-pen"]
    assert (known["cap"], known["ink"], known["crate"]) == ([], None, None)


def test_a_pretty_document_holds_the_same_in_indented_lines(full: Any) -> None:
    plain, pretty = export(full, "json"), export(full, "json", pretty="true")
    assert json.loads(pretty) == json.loads(plain)
    assert pretty.decode() == json.dumps(json.loads(plain), indent=2, ensure_ascii=False) + "\n"
    assert b"\n" not in plain


def test_lines_hold_the_rows_of_the_document_and_an_end(full: Any, tmp_path: Path) -> None:
    for analysis in (full, small(tmp_path)):
        document, lines = json.loads(export(analysis, "json")), lines_of(analysis)
        head, *rows, end = lines
        assert head == {"kind": "analysis", **{name: document[name] for name in head if name != "kind"}}
        assert end == {"kind": "end", "lines": len(lines)}
        for name, kind in KINDS.items():
            of_kind = [without_kind(row) for row in rows if row["kind"] == kind]
            assert of_kind == document[name]
            assert [errors(member(kind), row) for row in of_kind] == [[]] * len(of_kind)
        assert [errors(LINE, line) for line in lines] == [[]] * len(lines)
        assert len(rows) == sum(len(document[name]) for name in KINDS)


def without_kind(row: dict[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in row.items() if name not in {"kind", "file_kind"}}
    return {**own, "kind": row["file_kind"]} if "file_kind" in row else own


def test_lines_are_another_type_of_file() -> None:
    lines = Json().file_type(read(Json.info.options, {"variant": "lines"}))
    assert (lines.media_type, lines.extension) == ("application/jsonl", "jsonl")
    assert Json().file_type(read(Json.info.options, {})).extension == "json"
    assert lines.is_text


def test_an_empty_analysis_is_whole_in_either_variant() -> None:
    analysis = analyse(make_repository(), messages([]))
    document = json.loads(export(analysis, "json", pretty="true"))
    assert errors(STRICT, document) == []
    assert all(document[name] == [] for name in KINDS)
    assert [line["kind"] for line in lines_of(analysis)] == ["analysis", "end"]


def test_queries_do_not_grow_with_the_rows() -> None:
    repository = make_repository()

    def queries(rows: int) -> int:
        analysis = analysis_of(repository, rows)
        with CaptureQueriesContext(connection) as captured:
            export(analysis, "json")
        return len(captured)

    assert queries(3) == queries(150)  # of a page


def test_the_head_goes_out_before_any_rows_are_read(full: Any, django_assert_max_num_queries: Any) -> None:
    loaded = Analysis.objects.with_results().select_related("repository", "project").get(pk=full.pk)
    with django_assert_max_num_queries(3):
        first = next(Json().write(ExportSource(loaded), read(Json.info.options, {})))
    assert b'"analysis":{"id"' in first


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(message=TEXT, path=TEXT, name=TEXT)
def test_hostile_strings_come_back_as_they_were(message: str, path: str, name: str) -> None:
    said = messages(
        [finding("x", message=message, path=path)], licenses=[license_row(None, path=path, name=name)]
    )
    analysis = analyse(make_repository(), said)
    pretty = json.loads(export(analysis, "json", pretty="true"))
    assert pretty == json.loads(export(analysis, "json"))
    assert (pretty["findings"][0]["message"], pretty["findings"][0]["path"]) == (message, path)
    assert pretty["licenses"][0]["name"] == name
    by_kind = {line["kind"]: line for line in lines_of(analysis)}
    assert (by_kind["finding"]["message"], by_kind["license"]["name"]) == (message, name)
