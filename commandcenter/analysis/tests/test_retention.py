"""Old analyses go: all but the newest of each branch, one a month, and what others stand on; and results that nobody shows."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import (
    AnalysedFile,
    Analysis,
    AnalysisStatus,
    BranchLine,
    Finding,
    FindingTransition,
    ResultSet,
    ResultSetStatus,
)
from commandcenter.analysis.results import retention
from commandcenter.analysis.results.sharing import ReplacedResults, find_shared, hold
from commandcenter.analysis.tasks import prune_analyses
from commandcenter.analysis.tests.factories import analyse, file_row, finding, make_repository, messages
from commandcenter.core.tests.locks import WAITING
from commandcenter.inventory.models import Repository

pytestmark = pytest.mark.django_db


def _aged(
    repository: Repository, days: list[int], said: list[dict[str, Any]] | None = None
) -> list[Analysis]:
    """Analyses of new commits that ended so many days before the middle of June 2026, the oldest first."""
    made = []
    for number, age in enumerate(days):
        one = analyse(repository, said or messages([finding(f"f{number}")], files=[file_row("a.py")]))
        at = datetime(2026, 6, 15, tzinfo=UTC) - timedelta(days=age)
        Analysis.objects.filter(pk=one.pk).update(completed_at=at)
        ResultSet.objects.filter(analyses=one).update(created_at=at)
        made.append(one)
    return made


def _left() -> list[int]:
    return list(Analysis.objects.order_by("pk").values_list("pk", flat=True))


def test_the_newest_stay_and_before_them_the_last_of_each_month(settings: Settings) -> None:
    settings.ANALYSES_KEPT = 2
    old = _aged(make_repository(), [75, 70, 45, 40, 14, 2, 1, 0])  # two of April and of May, four of June
    retention.prune()
    assert _left() == [old[number].pk for number in (1, 3, 6, 7)]


def test_each_branch_is_counted_by_itself(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    repository = make_repository()
    for ref in ("main", "other", "main", "other"):
        analyse(repository, messages(), ref=ref, asked_for=ref)
    Analysis.objects.update(completed_at=timezone.now() - timedelta(days=70))
    retention.prune()
    assert sorted(Analysis.objects.values_list("ref", flat=True)) == ["main", "other"]


def test_months_end_too(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 1
    old = _aged(make_repository(), [400, 0])
    retention.prune()
    assert _left() == [old[1].pk]


def test_a_baseline_and_the_latest_stay_whatever_their_age(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    repository = make_repository()
    baseline = analyse(repository, messages([finding("a")]))
    partial = [analyse(repository, messages([finding("a")], engines={"ruff": "failed"})) for _ in range(3)]
    retention.prune()
    assert _left() == [baseline.pk, partial[-1].pk]
    line = BranchLine.objects.get()
    assert (line.baseline_id, line.latest_id) == (baseline.pk, partial[-1].pk)


def test_findings_outlive_their_first_analysis_and_keep_their_dates(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    repository = make_repository()
    analyse(repository, messages([finding("stays"), finding("goes")]))
    before = Finding.objects.get(fingerprint__endswith="stays")
    last = analyse(repository, messages([finding("stays")]))
    retention.prune()
    after = Finding.objects.get(pk=before.pk)
    assert (after.first_analysis_id, after.first_seen) == (None, before.first_seen)
    assert after.state == "existing"
    assert {t.analysis_id for t in FindingTransition.objects.all()} == {last.pk}
    again = Analysis.objects.get()
    assert again.baseline_id is None
    assert again.delta is not None
    assert again.delta["fixed"] == 1


def test_the_line_goes_on_as_if_nothing_had_been_removed(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    repository = make_repository()
    for _ in range(3):
        analyse(repository, messages([finding("a")]))
    retention.prune()
    retention.prune()
    following = analyse(repository, messages([finding("a"), finding("b")]))
    assert following.delta is not None
    assert (following.delta["new"], following.delta["existing"]) == (1, 1)


def test_results_go_with_the_last_analysis_that_shows_them_one_pass_later(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    repository = make_repository()
    said = messages(files=[file_row(f"f{number}.py") for number in range(50)])
    first = analyse(repository, said)
    analyse(repository, messages())
    gone = ResultSet.objects.get(analyses=first)
    retention.prune()
    assert find_shared(repository.pk, gone.key) is None
    assert AnalysedFile.objects.filter(result_set=gone).count() == 50
    done = retention.prune()
    assert (done.result_sets, done.rows) == (1, 50)
    assert not ResultSet.objects.filter(pk=gone.pk).exists()


def test_results_that_another_analysis_shows_stay(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    repository = make_repository()
    said = messages(files=[file_row("a.py")])
    for _ in range(3):
        analyse(repository, said, commit="c" * 40)
    retention.prune()
    retention.prune()
    assert Analysis.objects.count() == 1
    assert AnalysedFile.objects.count() == 1


def test_a_set_taken_out_of_sharing_cannot_be_shown_any_more() -> None:
    one = analyse(make_repository(), messages())
    shared = ResultSet.objects.get(analyses=one)
    assert hold(shared) == shared
    ResultSet.objects.filter(pk=shared.pk).update(status=ResultSetStatus.SUPERSEDED)
    with pytest.raises(ReplacedResults) as caught:
        hold(shared)
    assert caught.value.code == "results_replaced"


def test_sets_under_way_are_left_alone() -> None:
    repository = make_repository()
    writing = ResultSet.objects.create(repository=repository, key="k", commit="c", tree="t")
    retention.prune()
    retention.prune()
    assert ResultSet.objects.filter(pk=writing.pk).exists()


def test_failed_ones_go_by_age_and_unsettled_ones_do_not(settings: Settings) -> None:
    settings.ANALYSES_FAILED_DAYS = 10
    repository = make_repository()
    ages = {"old": (11, True), "young": (9, True), "unsettled": (11, False)}
    made = {
        name: Analysis.objects.create(
            project=repository.project,
            repository=repository,
            status=AnalysisStatus.FAILED,
            settled=settled,
            completed_at=timezone.now() - timedelta(days=days),
        )
        for name, (days, settled) in ages.items()
    }
    retention.prune()
    assert _left() == [made["young"].pk, made["unsettled"].pk]


def test_many_rows_go_in_small_steps_and_time_that_runs_out_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    monkeypatch.setattr(retention, "ROWS", 500)
    monkeypatch.setattr(retention, "ANALYSES", 2)
    repository = make_repository()
    analyse(
        repository,
        messages(
            [finding(f"x{number}") for number in range(1200)],
            files=[file_row(f"f{number}.py") for number in range(3000)],
        ),
    )
    for _ in range(5):
        analyse(repository, messages())
    unfinished = retention.prune(seconds=-1)
    assert not unfinished.finished
    assert Analysis.objects.count() == 6
    sizes: list[int] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("DELETE FROM"):
            sizes.append(context["cursor"].rowcount)
        return result

    with connection.execute_wrapper(note):
        retention.prune()
        done = retention.prune()
    assert done.finished
    assert max(sizes) == 500
    assert Analysis.objects.count() == 1
    assert AnalysedFile.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_pass_waits_for_an_analysis_that_ends_and_never_in_a_circle(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    repository = make_repository()
    for _ in range(2):
        analyse(repository, messages([finding("a"), finding("b")]))
    first, last = Finding.objects.order_by("pk")
    went: list[object] = []

    def prune() -> None:
        try:
            went.append(retention.prune().analyses)
        except Exception as error:  # noqa: BLE001 (given to the test)
            went.append(error)
        finally:
            connection.close()

    passing = threading.Thread(target=prune)
    with transaction.atomic():
        # As the end of an analysis does, before it writes findings in an order of its own.
        lock_repositories([repository.pk])
        Finding.objects.filter(pk=last.pk).update(message="seen again")
        passing.start()
        _until_someone_waits()
        Finding.objects.filter(pk=first.pk).update(message="seen again")
    passing.join(30)
    assert went == [1]
    assert Finding.objects.filter(message="seen again", first_analysis__isnull=True).count() == 2


def _until_someone_waits() -> None:
    """Return when another connection waits for a lock."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("Nobody waits.")


def test_the_command_counts_without_deleting_and_then_deletes(settings: Settings) -> None:
    settings.ANALYSES_KEPT, settings.ANALYSES_MONTHS = 1, 0
    repository = make_repository()
    for _ in range(3):
        analyse(repository, messages())
    said = StringIO()
    call_command("prune_analyses", "--dry-run", stdout=said)
    assert said.getvalue() == "2 analyses and 2 result sets would be deleted.\n"
    assert Analysis.objects.count() == 3
    call_command("prune_analyses", stdout=StringIO())
    prune_analyses()
    assert (Analysis.objects.count(), ResultSet.objects.count()) == (1, 1)


@pytest.mark.parametrize("seconds", ["-1", "0", "90000"])
def test_the_command_refuses_times_that_make_no_sense(seconds: str) -> None:
    errors = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("prune_analyses", f"--seconds={seconds}", stderr=errors)
    assert ended.value.code == 2
    assert "--seconds" in errors.getvalue()


def test_selecting_reads_lines_and_analyses_through_indexes() -> None:
    repository = make_repository()
    line = BranchLine.objects.create(repository=repository, name="main", is_default=True)
    shown = ResultSet.objects.create(repository=repository, key="k", commit="c", tree="t", status="complete")
    now = timezone.now()
    BranchLine.objects.bulk_create([BranchLine(repository=repository, name=f"b{n}") for n in range(2000)])
    lines = list(BranchLine.objects.values_list("pk", flat=True))
    Analysis.objects.bulk_create(
        Analysis(
            project=repository.project,
            repository=repository,
            branch_line_id=key,
            result_set=shown,
            status="complete",
            completed_at=now,
            settled=True,
        )
        for key in lines
        for _ in range(6)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE analysis_analysis, analysis_branchline, analysis_resultset")
        values: dict[str, Any] = {"after": line.pk, "upto": line.pk + 100, "kept": 30, "months": now}
        cursor.execute("EXPLAIN " + retention.OLD, values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "analysis_line_recent" in plan
    assert not re.search(r"Seq Scan on analysis_(analysis|branchline)", plan), plan
