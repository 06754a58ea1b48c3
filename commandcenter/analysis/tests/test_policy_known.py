"""Metrics that are known only now: vulnerabilities by the databases of this moment, gaps of this day, lock files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.tests.corpus import CRITICAL, HIGH, affected, record, since, write_zip
from commandcenter.analysis import tasks
from commandcenter.analysis.models import Analysis, PolicyVerdict
from commandcenter.analysis.packages import registering
from commandcenter.analysis.policy import flows, overtaken
from commandcenter.analysis.policy.verdict import verdict_of, violations
from commandcenter.analysis.tests.factories import analyse, dependency_row, make_repository, messages
from commandcenter.events.models import Event

pytestmark = pytest.mark.django_db

NO_HIGH = {"metric": "vulnerabilities", "severity_at_least": "high", "at_most": 0}
PEN = record("GHSA-pen", affected("PyPI", "pen", *since("0", "1.2")), severity=[HIGH], aliases=["CVE-1"])
SAME = record("PYSEC-pen", affected("PyPI", "pen", *since("0", "1.2")), severity=[HIGH], aliases=["CVE-1"])
INK = record("GHSA-ink", affected("PyPI", "ink", *since("0")), severity=[CRITICAL])
CAP = record("GHSA-cap", affected("PyPI", "cap", *since("0")))
ELSE = record("GHSA-else", affected("PyPI", "else", *since("0")), severity=[HIGH])


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    caches["default"].delete(overtaken.MARK)


@pytest.fixture
def repository() -> Any:
    return make_repository()


def demand(repository: Any, *conditions: dict[str, Any], **fields: Any) -> Any:
    return flows.create_policy(
        by=None, project=repository.project, name="default", conditions=list(conditions), **fields
    )


def load(tmp_path: Path, *records: dict[str, Any], match: bool = True) -> None:
    import_dump(write_zip(tmp_path / "all.zip", records))
    if match:
        match_stale(seconds=10)


def met(repository: Any, *names: str, **fields: Any) -> Analysis:
    """Analyse, and let the packages be matched as they are when the event was heard."""
    rows = [dependency_row(name, "1.0", **fields) for name in names]
    done = analyse(repository, messages(dependencies=rows))
    registering.on_event(SimpleNamespace(type="analysis.completed", subject_id=done.pk))
    match_stale(seconds=10)
    return done


def verdict(analysis: Analysis) -> PolicyVerdict:
    found = verdict_of(Analysis.objects.with_results().get(pk=analysis.pk))
    assert found is not None
    return found


def rows(analysis: Analysis) -> list[tuple[str, float | None]]:
    return [(row["status"], row["value"]) for row in verdict(analysis).results]


def violated() -> list[int | None]:
    return list(Event.objects.filter(type="policy.violated").values_list("subject_id", flat=True))


def test_problems_count_once_whatever_the_records_that_name_them(repository: Any, tmp_path: Path) -> None:
    load(tmp_path, PEN, SAME, INK)
    met(make_repository(), "pen", "ink")
    demand(repository, NO_HIGH, {"metric": "vulnerabilities", "severity_at_least": "critical", "at_most": 1})
    analysis = met(repository, "pen", "ink")
    assert rows(analysis) == [("failed", 2), ("passed", 1)]
    row = verdict(analysis).results[0]
    assert row["evidence"] == f"/analyses/{analysis.pk}/dependencies/?vulnerable=true"
    assert "Databases as of 2026-03-01." in row["detail"]


def test_a_problem_that_nobody_rated_may_be_a_bad_one(repository: Any, tmp_path: Path) -> None:
    load(tmp_path, CAP)
    met(make_repository(), "cap")
    demand(repository, NO_HIGH, {"metric": "vulnerabilities", "at_most": 1})
    assert rows(met(repository, "cap")) == [("unknown", 0), ("passed", 1)]


def test_packages_without_a_version_are_named_and_those_of_other_ecosystems_may_have_more(
    repository: Any, tmp_path: Path
) -> None:
    load(tmp_path, ELSE)
    demand(repository, NO_HIGH)
    met(make_repository(), "pen")
    open_ = analyse(
        repository, messages(dependencies=[dependency_row("pen", "1.0"), dependency_row("ink", None)])
    )
    assert rows(open_) == [("passed", 0)]
    assert "1 have no version" in verdict(open_).results[0]["detail"]
    foreign = dependency_row("@quill/x", "1.0", purl="pkg:npm/%40quill/x@1.0", ecosystem="npm")
    mixed = analyse(repository, messages(dependencies=[dependency_row("pen", "1.0"), foreign]))
    assert rows(mixed) == [("unknown", 0)]
    assert verdict(mixed).results[0]["pending"] is False
    nothing = analyse(repository, messages(dependencies=[foreign]))
    assert rows(nothing) == [("unknown", None)]


def test_nothing_is_known_where_the_engine_that_lists_dependencies_did_not_run(
    repository: Any, tmp_path: Path
) -> None:
    load(tmp_path, PEN)
    demand(repository, NO_HIGH)
    assert rows(analyse(repository, messages(engines={"ruff": "ok"}))) == [("unknown", None)]
    assert rows(analyse(repository, messages(engines={"manifests": "failed"}))) == [("unknown", 0)]
    assert rows(analyse(repository, messages())) == [("passed", 0)]


def test_what_is_not_matched_yet_fails_nobody_and_is_judged_when_it_is(
    repository: Any, tmp_path: Path
) -> None:
    load(tmp_path, PEN)
    demand(repository, NO_HIGH, unknown_fails=True)
    analysis = met(repository, "pen", "ink")
    assert (verdict(analysis).status, rows(analysis)) == ("unknown", [("unknown", None)])
    assert (violated(), violations(verdict(analysis))) == ([], [])
    assert overtaken.judge_overtaken() == {repository.pk}
    assert (verdict(analysis).status, rows(analysis)) == ("failed", [("failed", 1)])
    assert violated() == [analysis.pk]


def test_an_import_that_touches_a_project_has_it_judged_again_and_tells_of_it_once(
    repository: Any, tmp_path: Path
) -> None:
    load(tmp_path, ELSE)
    for each in (repository, other := make_repository()):
        demand(each, NO_HIGH)
        met(each, "pen" if each is repository else "ink")
    overtaken.judge_overtaken()
    (touched,), (apart,) = (Analysis.objects.filter(repository=each) for each in (repository, other))
    assert rows(touched) == rows(apart) == [("passed", 0)]
    PolicyVerdict.objects.update(evaluated_at=timezone.now() - timedelta(hours=2))
    load(tmp_path, PEN)
    assert overtaken.judge_overtaken() >= {repository.pk}
    assert (rows(touched), rows(apart)) == ([("failed", 1)], [("passed", 0)])
    overtaken.judge_overtaken()
    assert violated() == [touched.pk]


def test_a_first_import_has_judged_again_what_was_unknown_without_it(repository: Any, tmp_path: Path) -> None:
    demand(repository, NO_HIGH)
    analysis = met(repository, "pen")
    overtaken.judge_overtaken()
    assert rows(analysis) == [("unknown", None)]
    PolicyVerdict.objects.update(evaluated_at=timezone.now() - timedelta(hours=2))
    load(tmp_path, ELSE, match=False)
    caches["default"].set(overtaken.MARK, timezone.now() + timedelta(hours=1))
    assert overtaken.judge_overtaken() == {repository.pk}
    assert rows(analysis) == [("passed", 0)]


def test_the_day_is_judged_by_once_a_day(repository: Any) -> None:
    demand(repository, {"metric": "gaps", "at_most": 9})
    analysis = analyse(repository, messages())
    assert overtaken.judge_overtaken() == set()
    PolicyVerdict.objects.update(evaluated_at=timezone.now() - timedelta(days=1))
    assert overtaken.judge_overtaken() == {repository.pk}
    assert overtaken.judge_overtaken() == set()
    assert verdict(analysis).status == "unknown"


def test_a_look_without_news_costs_four_statements_and_time_that_is_over_leaves_the_rest(
    repository: Any, tmp_path: Path, django_assert_num_queries: Any
) -> None:
    load(tmp_path, ELSE)
    for each in (repository, make_repository(repository.project)):
        met(each, "pen")
    demand(repository, {"metric": "gaps", "at_most": 9}, NO_HIGH)
    for each in Analysis.objects.all():
        analyse(each.repository, messages(dependencies=[dependency_row("pen", "1.0")]))
    PolicyVerdict.objects.update(evaluated_at=timezone.now() + timedelta(minutes=5))
    with django_assert_num_queries(4):
        assert overtaken.judge_overtaken() == set()
    PolicyVerdict.objects.update(evaluated_at=timezone.now() - timedelta(days=1))
    assert overtaken.judge_overtaken(seconds=0.0) == set()
    assert len(overtaken.judge_overtaken()) == 2


def test_matching_is_told_to_a_task_that_exists(settings: Any) -> None:
    current_app.loader.import_default_modules()
    assert [tasks.judge_overtaken.name] == settings.PACKAGES_MATCHED_TASKS
    assert set(settings.PACKAGES_MATCHED_TASKS) <= set(current_app.tasks)


def check(name: str, status: str, looked_at: int = 1, gaps: int = 0) -> dict[str, Any]:
    return {
        "id": name,
        "title": name,
        "status": status,
        "looked_at": looked_at,
        "gaps": gaps,
        "detail": "So.",
    }


def gap(name: str, subject: str = "") -> dict[str, Any]:
    return {
        "check": name, "subject": subject, "title": name, "severity": "low", "reason": "", "remedy": "",
        "evidence": [],
    }  # fmt: skip


def practised(
    checks: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]] = (), *, state: str = "ok"
) -> list[dict[str, Any]]:
    said = messages(engines={"gaps": state})
    known = {
        "gaps": len(found),
        "platforms": [{"product": "python", "version": "3.8", "path": "a", "line": 1}],
    }
    said = [{**message, **known} if message["type"] == "summary" else message for message in said]
    return [{"type": "checks", "rows": list(checks)}, {"type": "gaps", "rows": list(found)}, *said]


def test_gaps_count_with_those_of_the_calendar_all_or_those_named(repository: Any) -> None:
    demand(
        repository,
        {"metric": "gaps", "at_most": 2},
        {"metric": "gaps", "gaps": ["end-of-life"], "at_most": 0},
        {"metric": "gaps", "gaps": ["pinned-images:a", "readme"], "at_most": 0},
        {"metric": "gaps", "gaps": ["license"], "at_most": 0},
        {"metric": "gaps", "gaps": ["nothing"], "at_most": 0},
    )
    checks = [check("readme", "passed"), check("pinned-images", "gap", 5, 2), check("license", "unknown")]
    analysis = analyse(repository, practised(checks, [gap("pinned-images", "a"), gap("pinned-images", "b")]))
    assert rows(analysis) == [("failed", 3), ("failed", 1), ("failed", 1), ("unknown", 0), ("unknown", None)]
    assert "license" in verdict(analysis).results[0]["detail"]
    assert [row[0] for row in rows(analyse(repository, messages()))] == ["unknown"] * 5


def test_a_gap_that_may_be_among_those_that_are_not_named_is_unknown(repository: Any) -> None:
    demand(
        repository,
        {"metric": "gaps", "gaps": ["pinned-images:z"], "at_most": 0},
        {"metric": "gaps", "gaps": ["pinned-images:a"], "at_most": 0},
        {"metric": "gaps", "gaps": ["lock-file:z"], "at_most": 0},
    )
    checks = [check("pinned-images", "gap", 90, 60), check("lock-file", "gap", 2, 1)]
    found = [gap("pinned-images", "a"), gap("pinned-images", "b"), gap("lock-file", "a")]
    analysis = analyse(repository, practised(checks, found))
    assert rows(analysis) == [("unknown", 0), ("failed", 1), ("passed", 0)]
    assert "may be among the others" in verdict(analysis).results[0]["detail"]


@pytest.mark.parametrize(
    ("looked", "said"),
    [
        ([check("lock-file", "gap", 4, 1)], ("failed", 0.75)),
        ([check("lock-file", "passed", 3)], ("passed", 1.0)),
        ([check("lock-file", "not_applicable", 0)], ("passed", None)),
        ([check("lock-file", "unknown", 0)], ("unknown", None)),
        ([], ("unknown", None)),
    ],
)
def test_the_share_of_manifests_with_a_lock_file(
    repository: Any, looked: list[dict[str, Any]], said: tuple[str, float | None]
) -> None:
    demand(repository, {"metric": "lock_file_coverage", "at_least": 1})
    assert rows(analyse(repository, practised(looked))) == [said]


def test_conditions_on_the_same_numbers_read_them_once(repository: Any, tmp_path: Path) -> None:
    load(tmp_path, ELSE)

    def judged(count: int) -> int:
        each = make_repository()
        kinds = [{**NO_HIGH, "at_most": n} for n in range(count)]
        demand(each, *kinds, *({"metric": "gaps", "at_most": n} for n in range(count)))
        with CaptureQueriesContext(connection) as seen:
            analyse(each, practised([check("readme", "passed")]))
        return len(seen)

    judged(1)  # engine releases and the like are met for the first time
    assert judged(1) == judged(8)
