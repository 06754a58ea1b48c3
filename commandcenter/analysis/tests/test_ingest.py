"""Bulk writing: hostile values, limits of columns, attempts that overlap, and its speed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import IntegrityError, connection

from commandcenter.analysis.models import (
    AnalysedFile,
    Dependency,
    Occurrence,
    ResultSet,
    ResultSetStatus,
    Rule,
    TechnologyUse,
)
from commandcenter.analysis.results.ingest import Ingest
from commandcenter.analysis.results.sharing import UnfinishedResults
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    end,
    file_row,
    finding,
    make_job,
    make_repository,
    messages,
    rule,
    start,
    technology_row,
    tree_ref,
)

pytestmark = pytest.mark.django_db


def ingest(repository: Any, job: Any, attempt: Any = 1, key: Any = "k") -> Any:
    return Ingest(repository, job=job, attempt=attempt, key=key, commit="c", tree="t")


def test_hostile_values_are_stored_cut_and_clean() -> None:
    long = "x" * 5000
    said = messages(
        [finding("a", message="nul \x00 here", path=f"{long}/\x00.py", rule_id=f"r{long}")],
        rules=[rule(rule_id=f"r{long}", name=long, short="\x00", tags=[long], cwe=[long])],
        files=[file_row(f"{long}/a\x00b", complexity=2**40, commits=2**33, language=long)],
        dependencies=[dependency_row(long, long, requirement=long, line=2**40)],
        technologies=[technology_row(long, evidence=[{"path": "a\x00b", "line": 1}])],
    )
    analysis = analyse(make_repository(), said)
    results = analysis.result_set
    assert Occurrence.objects.get(result_set=results).message == "nul \ufffd here"
    stored = AnalysedFile.objects.get(result_set=results)
    assert stored.path == f"{long}/a\ufffdb"
    assert stored.complexity == 2**31 - 1
    assert len(Dependency.objects.get(result_set=results).name) == 300
    assert TechnologyUse.objects.get(result_set=results).evidence == [{"path": "a\ufffdb", "line": 1}]
    assert len(Rule.objects.get().rule_id) == 200


def test_a_name_that_looks_like_an_escape_costs_no_analysis() -> None:
    evidence = [{"path": "a\\u0000b/\x00", "line": 1}, ["\ud800"], {"\x00": None}]
    analysis = analyse(make_repository(), messages([], technologies=[technology_row("t", evidence=evidence)]))
    stored = TechnologyUse.objects.get(result_set=analysis.result_set).evidence
    assert stored == [{"path": "a\\u0000b/\ufffd", "line": 1}, ["?"], {"\ufffd": None}]


def test_paths_longer_than_an_index_entry_are_kept_apart() -> None:
    import random

    letters = random.Random(5)
    base = "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(1300))
    analysis = analyse(make_repository(), messages([], files=[file_row(base + "a"), file_row(base + "b")]))
    assert AnalysedFile.objects.filter(result_set=analysis.result_set).count() == 2


def test_nothing_is_visible_before_the_end() -> None:
    repository = make_repository()
    running = start(repository, tree_ref())
    writing = ingest(repository, running.job)
    writing.take({"type": "files", "rows": [file_row("a.py")]})
    assert running.result_set is None
    assert ResultSet.objects.get().status == ResultSetStatus.WRITING


def test_an_engine_that_stops_early_leaves_no_result_set() -> None:
    repository = make_repository()
    writing = ingest(repository, make_job(repository))
    writing.take({"type": "files", "rows": [file_row("a.py")]})
    with pytest.raises(UnfinishedResults):
        writing.finish(force=False)


@pytest.mark.django_db(transaction=True)
def test_a_later_attempt_removes_what_an_earlier_one_left_and_stops_its_writing() -> None:
    repository = make_repository()
    job = make_job(repository)
    lost = ingest(repository, job, attempt=1)
    lost.take({"type": "files", "rows": [file_row("a.py")]})
    ingest(repository, job, attempt=2)
    assert ResultSet.objects.count() == 1
    assert AnalysedFile.objects.count() == 0
    with pytest.raises(IntegrityError):
        lost.take({"type": "files", "rows": [file_row("b.py")]})
    assert AnalysedFile.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_restart_of_the_database_between_two_messages_costs_nothing() -> None:
    """The engine works for minutes without a query; its worker connects again for the next rows."""
    repository = make_repository()
    writing = ingest(repository, make_job(repository))
    writing.take({"type": "files", "rows": [file_row("a.py")]})
    lose_connection()
    writing.take({"type": "files", "rows": [file_row("b.py")]})
    assert set(AnalysedFile.objects.values_list("path", flat=True)) == {"a.py", "b.py"}


def lose_connection() -> None:
    """End this test's connection from another one, as a restart of the server does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            assert cursor.fetchone() == (True,)
    finally:
        other.close()


def test_an_earlier_attempt_that_wakes_up_late_removes_nothing() -> None:
    repository = make_repository()
    job = make_job(repository)
    newer = ingest(repository, job, attempt=2)
    ingest(repository, job, attempt=1)
    assert ResultSet.objects.filter(pk=newer.result_set.pk).exists()


def test_two_analyses_of_one_commit_that_end_together_share_one_result_set() -> None:
    repository = make_repository()
    one, two = start(repository, tree_ref("1" * 40)), start(repository, tree_ref("1" * 40))
    said = messages([finding("a")], files=[file_row("a.py")])
    first, second = end(one, said, key="same"), end(two, said, key="same")
    assert first.result_set == second.result_set
    assert AnalysedFile.objects.count() == 1


def test_rules_follow_their_latest_description() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a")]))
    analyse(repository, messages([finding("a")], rules=[rule(short="Better words.")]))
    assert Rule.objects.get().short == "Better words."


def test_ten_thousand_findings_are_stored_and_compared_in_two_seconds() -> None:
    repository = make_repository()
    said = messages([finding(f"n{number}") for number in range(10_000)])
    running = start(repository, tree_ref())
    began = time.perf_counter()
    end(running, said)
    taken = time.perf_counter() - began
    assert taken < 4, "two seconds, doubled for a machine that runs other tests"
    assert Occurrence.objects.count() == 10_000
