"""Findings that move on under other fingerprints: their rows, their history, and what saw them under the earlier ones."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.analysis.models import Analysis, Finding, FindingMove, FindingTransition
from commandcenter.analysis.results.compare import compare
from commandcenter.analysis.results.rows import seen
from commandcenter.analysis.results.rows.finding import findings
from commandcenter.analysis.tests.factories import (
    analyse,
    end,
    file_row,
    finding,
    make_repository,
    make_user,
    messages,
    start,
    tree_ref,
)
from commandcenter.analysis.triage.suppress import suppress

pytestmark = pytest.mark.django_db

LINE = "eval(x)"


def tree(**blobs: str) -> list[dict[str, Any]]:
    """One finding in each of these files, whose bytes are named."""
    found = [finding(name, snippet=LINE) for name in sorted(blobs)]
    files = [file_row(f"src/{name}.py", blob=blob * 40) for name, blob in blobs.items()]
    return messages(found, files=files)


def shown(analysis: Analysis) -> list[tuple[int, str, str]]:
    loaded = Analysis.objects.with_results().get(pk=analysis.pk)
    return sorted((row.id, row.path, row.state) for row in findings(loaded) if row.state != "fixed")


def test_a_followed_finding_keeps_its_row_and_earlier_analyses_still_show_it() -> None:
    repository = make_repository()
    first = analyse(repository, tree(old="a"))
    known = Finding.objects.get()
    suppress([known.pk], by=make_user(), reason="Accepted.")
    second = analyse(repository, tree(new="a"))
    third = analyse(repository, tree(newer="a"))
    now = Finding.objects.get()
    assert (now.pk, now.path, now.fingerprint, now.suppression_reason) == (
        known.pk, "src/newer.py", "v1:newer", "Accepted.",
    )  # fmt: skip
    assert now.first_seen == known.first_seen
    assert shown(first) == [(known.pk, "src/old.py", "new")]
    assert shown(second) == [(known.pk, "src/new.py", "existing")]
    assert shown(third) == [(known.pk, "src/newer.py", "existing")]
    assert not FindingTransition.objects.filter(analysis__in=[second, third]).exists()


def test_a_file_that_comes_under_a_name_left_by_another_has_findings_of_its_own() -> None:
    repository = make_repository()
    first = analyse(repository, tree(a="1"))
    one = Finding.objects.get()
    analyse(repository, tree(b="1"))
    last = analyse(repository, tree(a="2", b="1"))
    two = Finding.objects.exclude(pk=one.pk).get()
    assert shown(first) == [(one.pk, "src/a.py", "new")]
    assert shown(last) == sorted([(one.pk, "src/b.py", "existing"), (two.pk, "src/a.py", "new")])


def test_a_fixed_finding_gives_its_fingerprint_to_the_open_one_that_takes_its_place() -> None:
    repository = make_repository()
    first = analyse(repository, tree(a="1", b="2"))
    a, b = Finding.objects.order_by("path")
    analyse(repository, tree(a="1"))
    last = analyse(repository, tree(b="1"))
    a.refresh_from_db()
    b.refresh_from_db()
    assert (a.path, a.state, b.state) == ("src/b.py", "existing", "fixed")
    assert b.fingerprint == f"v1:b~{b.pk}"
    assert shown(first) == sorted([(a.pk, "src/a.py", "new"), (b.pk, "src/b.py", "new")])
    assert shown(last) == [(a.pk, "src/b.py", "existing")]
    assert set(FindingMove.objects.values_list("finding", "kind")) == {(a.pk, "renamed"), (b.pk, "replaced")}


def test_an_overtaken_analysis_finds_what_moved_on_and_makes_nothing_up() -> None:
    repository = make_repository()
    analyse(repository, tree(old="a"))
    known = Finding.objects.get()
    older, newer = start(repository, tree_ref()), start(repository, tree_ref())
    end(newer, tree(new="a"))
    older = end(older, tree(old="a"))
    assert Finding.objects.count() == 1
    assert shown(older) == [(known.pk, "src/old.py", "existing")]


def test_what_moves_on_while_an_analysis_is_read_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "FIRST", 1)
    repository = make_repository()
    first = analyse(repository, tree(a="1", b="2", c="3"))
    rows = findings(Analysis.objects.with_results().get(pk=first.pk))
    paths = [next(rows).path]
    analyse(repository, tree(newer_a="1", newer_b="2", newer_c="3"))
    paths += [row.path for row in rows]
    assert paths == ["src/a.py", "src/b.py", "src/c.py"]


def test_the_lists_of_the_api_agree_about_what_moved() -> None:
    repository = make_repository()
    first = analyse(repository, tree(old="a"))
    second = analyse(repository, tree(new="a"))
    known = Finding.objects.get()
    client = APIClient()
    client.force_authenticate(make_user(repository.project))
    for analysis, path in ((first, "src/old.py"), (second, "src/new.py")):
        listed = client.get(f"/api/v1/analyses/{analysis.pk}/findings").json()["results"]
        assert [(row["id"], row["path"]) for row in listed] == [(known.pk, path)]
    entries = client.get(f"/api/v1/findings/{known.pk}").json()["history"]
    assert [entry["type"] for entry in entries] == ["move", "transition"]
    assert {name: entries[0][name] for name in ("analysis", "kind", "path", "start_line", "fingerprint")} == {
        "analysis": second.pk, "kind": "renamed", "path": "src/old.py", "start_line": 3, "fingerprint": "v1:old",
    }  # fmt: skip


def test_two_analyses_side_by_side_have_in_common_what_moved() -> None:
    repository = make_repository()
    first = analyse(repository, tree(old="a", gone="b"))
    said = tree(new="a", come="c")
    next(message for message in said if message["type"] == "findings")["rows"][0]["snippet"] = "exec(y)"
    second = analyse(repository, said)
    found = compare(first, second)["findings"]
    assert (found["new"], found["fixed"], found["common"]) == (1, 1, 1)
    assert [row["path"] for row in found["new_findings"]] == ["src/come.py"]
    assert [row["path"] for row in found["fixed_findings"]] == ["src/gone.py"]


def test_an_engine_that_missed_the_rename_follows_it_when_it_runs_again() -> None:
    """The tree before is the one that the engine read last, not the one of the last analysis."""
    repository = make_repository()
    analyse(repository, tree(old="a"))
    known = Finding.objects.get()
    files = [file_row("src/new.py", blob="a" * 40)]
    analyse(repository, messages([], files=files, engines={"ruff": "failed"}))
    analyse(repository, tree(new="a"))
    assert (Finding.objects.get().pk, Finding.objects.get().path) == (known.pk, "src/new.py")
