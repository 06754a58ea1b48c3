"""Lists of jobs: every filter finds what it says, in order, and reads no more than the page whatever the table holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from bench import million
from commandcenter.inventory.models import Project, Repository
from jobs.lists import listing, terms
from jobs.lists.listing import Key, Place, Wanted
from jobs.models import Job, JobStatus, JobType

pytestmark = pytest.mark.django_db
JOBS = 20_000
LIMIT = 101
# Rows that a page may touch: its own from each arm that is read in full; of many arms a few each, and then its own.
MOST_READ = 10 * LIMIT
everything: list[Job] = []


@pytest.fixture(scope="module", autouse=True)
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Fill the tables once, outside the tests' transactions."""
    with django_db_blocker.unblock():
        connection.ensure_connection()
        million.write(connection.connection, JOBS, 40)
        everything.extend(Job.objects.defer("parameters", "result").order_by("-created_at", "-pk"))
    yield
    everything.clear()
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE inventory_project CASCADE")


@pytest.fixture
def asked() -> dict[str, Wanted]:
    """Return what is asked for, by name."""
    projects = list(Project.objects.order_by("pk").values_list("pk", flat=True))
    large, small = projects[0], projects[-1]
    repository = Repository.objects.filter(project=large).order_by("pk").first()
    middle = Job.objects.order_by("-created_at")[JOBS // 2].created_at
    late = Job.objects.order_by("-created_at")[JOBS // 4].created_at
    child = Job.objects.filter(parent__isnull=False).order_by("pk").first()
    again = Job.objects.filter(retry_of__isnull=False).order_by("pk").first()
    assert repository
    assert child
    assert again
    return {
        "everything": Wanted(),
        "large project": Wanted([large]),
        "small project": Wanted([small]),
        "most projects": Wanted(projects[3:]),
        "status of most": Wanted(statuses=["completed"]),
        "status of few": Wanted(statuses=["failed"]),
        "status of the oldest": Wanted(statuses=["cancelled"]),
        "status of none": Wanted(statuses=["running"]),
        "two states": Wanted(statuses=["failed", "cancelled", "failed"]),
        "every state": Wanted(statuses=JobStatus.values),
        "type of most": Wanted(job_types=["analysis"]),
        "type of few": Wanted(job_types=["batch_analysis"]),
        "type of none": Wanted(job_types=["batch_export"]),
        "types": Wanted(job_types=["export", "import"]),
        "project and status": Wanted([large], statuses=["cancelled"]),
        "project and type": Wanted([large], job_types=["import"]),
        "project and time": Wanted([large], created_after=middle, created_before=late),
        "project, status, type and time": Wanted(
            [large], statuses=["completed"], job_types=["export"], created_before=middle
        ),
        "projects and status": Wanted(projects[5:25], statuses=["failed"]),
        "created after": Wanted(created_after=middle),
        "created before": Wanted(created_before=middle),
        "created between": Wanted(created_after=middle, created_before=late),
        "parent": Wanted(parent=child.parent_id),
        "parent and status": Wanted(parent=child.parent_id, statuses=["failed"]),
        "retry of": Wanted(retry_of=again.retry_of_id),
        "repository": Wanted(repository=repository.pk),
        "tag of many": Wanted(tag=("team", "team2")),
        "tag of the oldest": Wanted(tag=("legacy", "yes")),
        "tag of one": Wanted(tag=("build", "10001")),
        "tag of none": Wanted(tag=("no", "such")),
        "tag and project": Wanted([large], tag=("team", "team2")),
        "search tags": Wanted(search="team2"),
        "search tags of the oldest": Wanted(search="LEGACY"),
        "search errors": Wanted(search="unreachable"),
        "search errors and projects": Wanted(projects[5:25], search="unreachable"),
        "search types": Wanted(search="nalys"),
        "search beginnings": Wanted(search="3"),
        "search an id": Wanted(search=f"#{again.pk}"),
        "search nothing": Wanted(search="nowhere to be found"),
        "search signs": Wanted(search="100%_"),
    }


def matching(wanted: Wanted) -> list[Key]:
    """Return the keys of all jobs that are meant, by plain conditions, newest first."""
    return [(job.created_at, job.pk) for job in everything if meant(job, wanted)]


def meant(job: Job, wanted: Wanted) -> bool:
    """Tell whether a job is asked for."""
    return (
        (wanted.projects is None or job.project_id in wanted.projects)
        and (wanted.statuses is None or job.status in wanted.statuses)
        and (wanted.job_types is None or job.job_type in wanted.job_types)
        and wanted.parent in {None, job.parent_id}
        and wanted.retry_of in {None, job.retry_of_id}
        and wanted.repository in {None, job.repository_id}
        and (wanted.created_after is None or job.created_at >= wanted.created_after)
        and (wanted.created_before is None or job.created_at < wanted.created_before)
        and (wanted.tag is None or job.tags.get(wanted.tag[0]) == wanted.tag[1])
        and (not wanted.search or said(wanted.search.casefold(), job))
    )


def said(text: str, job: Job) -> bool:
    """Tell whether a job's id, type, error or tags hold the text; where they begin, for a short one."""
    held = [f"{key}:{value}" for key, value in job.tags.items()]
    held += [f"{job.error_code}: {job.error_message}"] if job.error_code else []
    if len(text) < terms.TRIGRAM:
        found = any(each.startswith(text) or f":{text}" in each for each in held)
    else:
        found = any(text in each for each in held)
    return found or text in job.job_type or str(job.pk) == text.removeprefix("#")


@pytest.mark.parametrize("reverse", [False, True], ids=["onwards", "back"])
def test_every_filter_finds_what_it_says_in_order_from_any_place(
    asked: dict[str, Wanted], reverse: bool
) -> None:
    for name, wanted in asked.items():
        expected = matching(wanted)[:: -1 if reverse else 1]
        for start in (0, 1, len(expected) // 2, len(expected) - 3):
            beyond = expected[start - 1] if 0 < start < len(expected) else None
            found = listing.keys(wanted, Place(LIMIT, beyond, reverse))
            begin = start if beyond is not None else 0
            assert found == expected[begin : begin + LIMIT], (name, start)


def test_tags_and_searches_combine_with_every_other_filter(asked: dict[str, Wanted]) -> None:
    project = Project.objects.order_by("pk").first()
    assert project
    for name, wanted in asked.items():
        if wanted.tag is None and not wanted.search:
            continue
        for more in (
            {"statuses": ["failed", "cancelled"]},
            {"job_types": ["export"], "projects": [project.pk]},
            {"created_before": asked["created before"].created_before},
            {"search": "team", "tag": ("team", "team2")},
            {"repository": asked["repository"].repository},
            {"parent": asked["parent"].parent, "retry_of": asked["retry of"].retry_of},
        ):
            both = replace(wanted, **more)
            assert listing.keys(both, Place(LIMIT)) == matching(both)[:LIMIT], (name, more)


def test_what_few_are_among_the_many_of_a_text_is_found_from_the_few(
    asked: dict[str, Wanted], monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(listing, "CHUNK", 20)
    few = (
        {"statuses": ["queued", "running"]},
        {"repository": asked["repository"].repository, "statuses": ["completed"]},
        {"parent": asked["parent"].parent},
        {"retry_of": asked["retry of"].retry_of},
    )
    for name in ("tag of many", "tag of the oldest", "tag and project", "search tags", "search types"):
        for more in few:
            both = replace(asked[name], **more)
            expected = matching(both)
            with django_assert_max_num_queries(30):
                assert listing.keys(both, Place(LIMIT)) == expected[:LIMIT], (name, more)
            assert listing.keys(both, Place(5, reverse=True)) == expected[:-6:-1], (name, more)
    with django_assert_max_num_queries(5):
        none = replace(asked["tag of many"], statuses=["running"])
        assert listing.keys(none, Place(LIMIT)) == []


def test_search_that_very_many_texts_hold_reads_jobs_in_order(
    asked: dict[str, Wanted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "MAX_TERMS", 5)
    for name in ("search errors", "search errors and projects", "search tags of the oldest"):
        expected = matching(asked[name])
        assert listing.keys(asked[name], Place(LIMIT)) == expected[:LIMIT]
        assert (
            listing.keys(asked[name], Place(LIMIT, expected[-1], reverse=True))
            == expected[-2 : -LIMIT - 2 : -1]
        )


def test_no_filter_scans_the_table_or_reads_beyond_its_page(asked: dict[str, Wanted]) -> None:
    for name, wanted in asked.items():
        expected = matching(wanted)
        deep = expected[len(expected) * 9 // 10] if expected else None
        for place in (Place(LIMIT), Place(LIMIT, deep), Place(LIMIT, deep, reverse=True)):
            plan = explained(*listing.query(wanted, place))
            scans = [node for node in nodes(plan) if str(node.get("Relation Name", "")).startswith("jobs_")]
            assert scans or name in {"tag of none", "search nothing", "search signs"}
            assert not [node for node in scans if node["Node Type"] == "Seq Scan"], (name, place)
            read = sum(
                (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
                for node in scans
            )
            assert read <= MOST_READ, (name, place, read)


def test_texts_are_found_through_their_indexes() -> None:
    for text in ("nowhere to be found", "build:19991", "z"):
        assert "Seq Scan" not in str(
            explained(
                terms.SEARCH, {"texts": terms.patterns(text), "projects": None, "limit": terms.MAX_TERMS + 1}
            )
        )


def explained(statement: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Run a statement and return the plan with what was read."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", arguments)
        plan: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan's nodes."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def test_types_of_the_model_are_all_that_jobs_have() -> None:
    """Arms are made of the types that the model knows."""
    assert set(Job.objects.values_list("job_type", flat=True).distinct()) <= set(JobType.values)
