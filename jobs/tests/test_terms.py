"""Texts that jobs are found by: right after every write, gone with the job, pruned when no job holds them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from jobs.lists import listing, terms
from jobs.lists.listing import Place, Wanted
from jobs.models import Job, JobStatus, JobTerm, Term
from jobs.state import transition
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project


def tagged(key: str, value: str) -> list[int]:
    """Return the ids of the jobs with this tag, newest first."""
    return [pk for _at, pk in listing.keys(Wanted(tag=(key, value)), Place(100))]


def searched(text: str) -> list[int]:
    """Return the ids of the jobs that a search finds."""
    return [pk for _at, pk in listing.keys(Wanted(search=text), Place(100))]


@pytest.mark.django_db
def test_texts_follow_every_change_of_a_job() -> None:
    job = make_job(make_project(), tags={"team": "core", "tier": "1"})
    assert tagged("team", "core") == [job.pk]
    Job.objects.filter(pk=job.pk).update(tags={"team": "edge"})
    assert (tagged("team", "core"), tagged("tier", "1"), tagged("team", "edge")) == ([], [], [job.pk])
    transition(job.pk, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="test")
    values = {"error_code": "disk_full", "error_message": "No room for 50%_ of it"}
    transition(job.pk, JobStatus.FAILED, sources={JobStatus.RUNNING}, reason="test", job_values=values)
    assert searched("Disk_Full") == searched("50%_") == searched("edge") == [job.pk]
    other = make_project()
    Job.objects.filter(pk=job.pk).update(project=other, created_at=timezone.now())
    assert tagged("team", "edge") == [job.pk]
    assert [pk for _at, pk in listing.keys(Wanted([other.pk], tag=("team", "edge")), Place(9))] == [job.pk]


@pytest.mark.django_db
def test_jobs_written_by_sql_are_found_as_well() -> None:
    job = make_job(make_project(), tags={"team": "core"})
    with connection.cursor() as cursor:
        columns = {str(field.column) for field in Job._meta.concrete_fields} - {"id", "tags"}
        names = ", ".join(sorted(columns))
        cursor.execute(
            f"INSERT INTO jobs_job (id, tags, {names}) SELECT id + n, jsonb_build_object('run', n::text), {names}"
            " FROM jobs_job, generate_series(1, 3) n WHERE id = %s",
            [job.pk],
        )
    assert tagged("run", "2") == [job.pk + 2]
    assert len(searched("run:")) == 3


@pytest.mark.django_db
def test_texts_end_with_their_job_and_their_project() -> None:
    project = make_project()
    first, second = (make_job(project, tags={"team": "core"}) for _ in range(2))
    first.delete()
    assert tagged("team", "core") == [second.pk]
    project.delete()
    assert not JobTerm.objects.exists()
    assert not Term.objects.exists()


@COMMITTED
def test_texts_that_no_job_holds_are_pruned() -> None:
    project = make_project()
    gone = make_job(project, tags={"team": "gone", "team2": "core"})
    make_job(project, tags={"team2": "core"})
    assert terms.prune() == 0
    gone.delete()
    assert terms.prune() == 1
    assert list(Term.objects.values_list("body", flat=True)) == ["team2:core"]
    assert terms.prune_after(Term.objects.latest("pk").pk) == (0, 0)
    assert len(searched("core")) == 1
