"""How repositories stand, what needs attention first, and the trend of the portfolio."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from commandcenter.accounts.models import User
from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.tests.corpus import affected, record, since, write_zip
from commandcenter.analysis.models import Analysis, Finding, PortfolioDay, Standing
from commandcenter.analysis.packages import registering
from commandcenter.analysis.policy import flows
from commandcenter.analysis.portfolio import daily, standings
from commandcenter.analysis.portfolio.attention import reasons, words
from commandcenter.analysis.running import ledger
from commandcenter.analysis.running.settle import settle
from commandcenter.analysis.tasks import judge_again
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    file_row,
    finding,
    make_job,
    make_project,
    make_repository,
    make_user,
    messages,
    start,
    tree_ref,
)
from commandcenter.analysis.triage.reopen import reopen
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.events.models import Event
from commandcenter.inventory.models import Role
from jobs.models import JobStatus

pytestmark = pytest.mark.django_db


def standing(repository: Any) -> Standing:
    standings.refresh([repository.pk])
    return Standing.objects.get(pk=repository.pk)


def codes(row: Standing) -> dict[str, int]:
    return {reason["code"]: reason["points"] for reason in row.reasons}


def api(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_a_repository_that_was_never_analysed_has_unknown_figures() -> None:
    row = standing(make_repository())
    assert (row.critical, row.lines_of_code, row.analysed_at, row.last_status) == (None, None, None, "")
    assert codes(row) == {"never_analysed": 60}
    assert row.attention == 60


def test_open_findings_of_the_default_branch_count_without_suppressed_ones() -> None:
    repository = make_repository()
    found = [
        finding("a", severity="critical"),
        finding("b", severity="critical"),
        finding("c", severity="low"),
        finding("d", severity="critical", inline_suppressed=True),
    ]
    said = messages(found, files=[file_row("a.py")], dependencies=[dependency_row("django")])
    last = analyse(repository, said)
    analyse(repository, messages([finding("e", severity="critical")]), ref="topic", asked_for="topic")
    row = standing(repository)
    assert (row.critical, row.high, row.low, row.suppressed) == (2, 0, 1, 1)
    assert (row.lines_of_code, row.dependencies, row.contributors, row.bus_factor) == (10, 1, 3, 1)
    assert row.analysis_id == last.pk
    assert codes(row) == {"critical_findings": 200}
    analyse(repository, messages([finding("c", severity="low")]))
    assert (standing(repository).critical, standing(repository).attention) == (0, 0)


def test_a_failed_a_partial_and_an_old_analysis_are_reasons() -> None:
    repository = make_repository()
    analyse(repository, messages(engines={"ruff": "failed"}))
    assert codes(standing(repository)) == {"incomplete": 30}
    Analysis.objects.update(completed_at=timezone.now() - timedelta(days=31))
    assert codes(standing(repository)) == {"stale": 50, "incomplete": 30}
    job = start(repository, tree_ref()).job
    assert job is not None
    job.status, job.completed_at = JobStatus.FAILED, timezone.now()
    job.save()
    assert settle(job.pk) == 1
    assert codes(standing(repository)) == {"analysis_failed": 80, "stale": 50}


def test_points_are_capped_and_every_reason_has_words() -> None:
    found = {"critical": 3_000, "high": 1, "medium": 1_000}
    held = reasons(
        findings=found,
        vulnerable=None,
        policy="",
        analysed_at=timezone.now(),
        last_status="complete",
        now=timezone.now(),
    )
    assert [(reason["code"], reason["points"]) for reason in held] == [
        ("critical_findings", 1_000),
        ("medium_findings", 100),
        ("high_findings", 20),
    ]
    assert [words(reason) for reason in held] == [
        "3,000 critical findings open",
        "1,000 medium findings open",
        "1 high finding open",
    ]


def test_a_refresh_writes_only_what_changed() -> None:
    repositories = [make_repository() for _ in range(3)]
    ids = [repository.pk for repository in repositories]
    assert standings.refresh(ids) == 3
    assert standings.refresh(ids) == 0
    analyse(repositories[1], messages([finding("a")]))
    assert standings.refresh(ids) == 1


def test_many_repositories_cost_as_many_queries_as_one() -> None:
    repositories = [make_repository() for _ in range(20)]
    for repository in repositories:
        analyse(repository, messages([finding("a")]))

    def cost(some: list[Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            standings.refresh([repository.pk for repository in some])
        return len(captured)

    assert cost(repositories[:1]) == cost(repositories[1:])


def test_the_end_of_an_analysis_refreshes_its_repository() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a", severity="critical")]))
    standings.on_event(Event.objects.filter(type="analysis.completed").latest("pk"))
    assert Standing.objects.get().critical == 1


def test_a_decision_about_findings_refreshes_their_repositories() -> None:
    project = make_project()
    repositories = [make_repository(project) for _ in range(2)]
    for repository in repositories:
        analyse(repository, messages([finding("a", severity="critical")]))
        assert standing(repository).critical == 1
    ids = list(Finding.objects.order_by("pk").values_list("pk", flat=True))
    operator = make_user(project, Role.OPERATOR)
    suppress(ids, by=operator, reason="Known.")
    standings.on_event(Event.objects.filter(type="finding.suppressed").latest("pk"))
    assert list(Standing.objects.values_list("critical", "suppressed")) == [(0, 1), (0, 1)]
    reopen(ids[:1], by=operator)
    standings.on_event(Event.objects.filter(type="finding.unsuppressed").latest("pk"))
    assert list(Standing.objects.order_by("pk").values_list("critical", flat=True)) == [1, 0]


def test_a_branch_that_fails_is_no_reason_to_look_at_its_repository() -> None:
    repository = make_repository()
    analyse(repository, messages([]))
    analyse(repository, messages([], engines={"ruff": "failed"}), ref="topic", asked_for="topic")
    assert standing(repository).last_status == "complete"
    job = start(repository, tree_ref(ref="topic"), asked_for="topic").job
    missing = ledger.begin(make_job(repository), repository, "no-such-branch").job
    for each in (job, missing):
        assert each is not None
        each.status, each.completed_at = JobStatus.FAILED, timezone.now()
        each.save()
        assert settle(each.pk) == 1
    assert codes(standing(repository)) == {}
    unread = ledger.begin(make_job(repository), repository, "").job
    assert unread is not None
    unread.status, unread.completed_at = JobStatus.FAILED, timezone.now()
    unread.save()
    assert settle(unread.pk) == 1
    assert codes(standing(repository)) == {"analysis_failed": 80}, "its default branch could not be read"


def test_a_policy_that_was_edited_is_seen_when_it_was_judged_by() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a")]))
    assert standing(repository).policy == ""
    flows.create_policy(
        project=repository.project, name="Gate", conditions=[{"metric": "findings", "at_most": 0}], by=None
    )
    judge_again(repository.project_id, 0)
    assert Standing.objects.get().policy == "failed"


def test_a_projects_first_analysis_of_a_day_begins_its_trend() -> None:
    repository, other = make_repository(), make_repository()
    analyse(repository, messages([finding("a", severity="critical")]))
    standings.on_event(Event.objects.filter(type="analysis.completed").latest("pk"))
    (day,) = PortfolioDay.objects.all()
    assert (day.project_id, day.day, day.critical) == (repository.project_id, timezone.now().date(), 1)
    analyse(repository, messages([]))
    standings.on_event(Event.objects.filter(type="analysis.completed").latest("pk"))
    assert PortfolioDay.objects.get().critical == 1, "the hourly round writes what comes later"
    daily.record()
    assert dict(PortfolioDay.objects.values_list("project", "critical")) == {
        repository.project_id: 0, other.project_id: None,
    }  # fmt: skip


def test_a_round_over_all_goes_on_where_it_stopped_and_meets_everyone() -> None:
    for _ in range(3):
        make_repository()
    assert standings.refresh_all(seconds=30) == 3
    assert Standing.objects.count() == 3


def test_the_list_begins_with_the_most_points_and_pages_without_a_gap() -> None:
    project = make_project()
    user = make_user(project)
    names = []
    for number in range(5):
        repository = make_repository(project)
        analyse(repository, messages([finding(f"{n}", severity="critical") for n in range(number % 3)]))
        names.append(repository.name)
    other = make_repository()
    standings.refresh_all(seconds=30)
    seen: list[dict[str, Any]] = []
    url = "/api/v1/portfolio?limit=2"
    while url:
        page = api(user).get(url)
        assert page.status_code == 200, page.content
        seen += page.json()["results"]
        url = page.json()["next"]
    assert sorted(row["repository_name"] for row in seen) == sorted(names)
    assert [row["attention"] for row in seen] == [200, 100, 100, 0, 0]
    assert seen[0]["findings"]["critical"] == 2
    assert seen[0]["reasons"][0]["text"] == "2 critical findings open"
    assert other.name not in [row["repository_name"] for row in seen]


def test_the_list_can_be_narrowed_and_refuses_what_it_does_not_know() -> None:
    project = make_project()
    user = make_user(project)
    make_repository(project, name="billing")
    make_repository(project, name="ledger")
    standings.refresh_all(seconds=30)
    found = api(user).get("/api/v1/portfolio?search=BILL").json()["results"]
    assert [row["repository_name"] for row in found] == ["billing"]
    assert api(user).get("/api/v1/portfolio?cursor=nonsense").status_code == 400
    assert api(user).get("/api/v1/portfolio?project=x").status_code == 400
    for query in ("days=0", "days=367", "days=x", "project=0"):
        assert api(user).get(f"/api/v1/portfolio/trends?{query}").status_code == 400, query


def test_each_day_has_one_row_a_project_which_follows_the_day() -> None:
    project = make_project()
    repository = make_repository(project)
    make_repository(project)
    daily.record(date(2026, 1, 1))
    analyse(repository, messages([finding("a")], files=[file_row("a.py")]))
    standings.refresh_all(seconds=30)
    daily.record(date(2026, 1, 1))
    row = PortfolioDay.objects.get(project=project)
    assert (row.repositories, row.analysed, row.high, row.lines_of_code) == (2, 1, 1, 10)


def test_old_days_are_removed() -> None:
    make_repository()
    daily.record(date(2020, 1, 1))
    daily.record(date(2026, 1, 1))
    assert list(PortfolioDay.objects.values_list("day", flat=True)) == [date(2026, 1, 1)]


def test_the_trend_sums_the_projects_that_one_may_see() -> None:
    mine, other = make_project(), make_project()
    user = make_user(mine)
    for project in (mine, other):
        analyse(make_repository(project), messages([finding("a", severity="critical")]))
    standings.refresh_all(seconds=30)
    today = timezone.now().date()
    daily.record(today - timedelta(days=2))
    daily.record(today)
    results = api(user).get("/api/v1/portfolio/trends?days=30").json()["results"]
    assert [row["day"] for row in results] == [str(today - timedelta(days=2)), str(today)]
    assert results[0]["findings"] == {"critical": 1, "high": 0, "medium": 0, "low": 0, "info": 0}
    assert (results[0]["repositories"], results[0]["analysed"]) == (1, 1)
    staff = make_user(staff=True)
    assert api(staff).get("/api/v1/portfolio/trends").json()["results"][1]["findings"]["critical"] == 2
    for unseen in (other.pk, 987_654):
        assert api(user).get(f"/api/v1/portfolio/trends?project={unseen}").status_code == 404
    (_, mine_alone) = api(staff).get(f"/api/v1/portfolio/trends?project={mine.pk}").json()["results"]
    assert mine_alone["findings"]["critical"] == 1


def test_a_day_on_which_nothing_was_analysed_yet_has_no_figures() -> None:
    repository = make_repository()
    daily.record(timezone.now().date())
    (day,) = api(make_user(repository.project)).get("/api/v1/portfolio/trends").json()["results"]
    assert (day.pop("day"), day.pop("repositories"), day.pop("analysed")) == (
        str(timezone.now().date()),
        1,
        0,
    )
    assert day == dict.fromkeys(("findings", "suppressed", "lines_of_code", "dependencies"))
    row = PortfolioDay.objects.get()
    assert (row.high, row.suppressed, row.lines_of_code, row.dependencies) == (None, None, None, None)


def test_what_no_engine_counted_is_unknown_beside_what_was_counted() -> None:
    repository = make_repository()
    said = messages([finding("a")], engines={"ruff": "ok"})
    (summary,) = (each for each in said if each["type"] == "summary")
    summary |= {"lines_of_code": None, "dependencies": None}
    analyse(repository, said)
    standings.refresh_all(seconds=30)
    daily.record(timezone.now().date())
    (day,) = api(make_user(repository.project)).get("/api/v1/portfolio/trends").json()["results"]
    assert (day["analysed"], day["findings"]["high"]) == (1, 1)
    assert (day["lines_of_code"], day["dependencies"]) == (None, None)


def test_known_vulnerabilities_and_a_violated_policy_are_reasons(tmp_path: Path) -> None:
    repository = make_repository()
    assert standing(repository).vulnerable is None
    flows.create_policy(
        project=repository.project,
        name="Gate",
        conditions=[{"metric": "findings", "severity_at_least": "high", "operator": "at_most", "value": 0}],
        by=None,
    )
    analysis = analyse(repository, messages([finding("a")], dependencies=[dependency_row("pen", "1.0")]))
    row = standing(repository)
    assert (row.policy, row.vulnerable) == ("failed", None)
    assert codes(row) == {"policy_failed": 90, "high_findings": 20}
    leak = record("GHSA-pen", affected("PyPI", "pen", *since("0", "1.2")))
    import_dump(write_zip(tmp_path / "all.zip", [leak]))
    registering.match_now(Analysis.objects.with_results().get(pk=analysis.pk))
    row = standing(repository)
    assert row.vulnerable == 1
    assert codes(row) == {"policy_failed": 90, "high_findings": 20, "vulnerable_dependencies": 10}
