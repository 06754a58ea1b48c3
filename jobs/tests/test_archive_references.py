"""What refers to a job outlives its move to the archive."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Analysis
from commandcenter.inventory.models import Repository
from jobs.models import ArchiveFile, Job
from jobs.retention.archive import archive
from jobs.tests.factories import make_project
from jobs.tests.history import ago, ended

pytestmark = pytest.mark.django_db  # with every app: which references there are is what this is about


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> None:
    """Give each test a storage of its own."""
    settings.MEDIA_ROOT = tmp_path


def test_analyses_stay_and_retries_lose_only_the_link() -> None:
    project = make_project()
    repository = Repository.objects.create(project=project, name="r", source="https://example.org/r.git")
    old = ended(project, 1, at=ago(days=40))[0]
    again = ended(project, 1, at=ago(days=1))[0]
    Job.objects.filter(pk=again.pk).update(retry_of=old)
    analysis = Analysis.objects.create(project=project, repository=repository, job=old)
    assert archive(30).deleted == 1
    analysis.refresh_from_db()
    again.refresh_from_db()
    assert (analysis.job_id, again.retry_of_id) == (None, None)


def test_every_reference_to_a_job_has_an_index_that_deletion_can_use() -> None:
    """Without one the deletion of each job would read the whole table that refers to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c
               JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
               WHERE c.contype = 'f' AND c.confrelid = 'jobs_job'::regclass
                 AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
                     AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) LIKE '%IS NOT NULL%'))"""
        )
        assert cursor.fetchall() == []


def test_staff_see_the_files_in_the_admin_and_cannot_change_them() -> None:
    ended(make_project(), 2, at=ago(days=40))
    archive(30)
    file = ArchiveFile.objects.get()
    browser = Client()
    browser.force_login(
        User.objects.create_superuser("archivist", password="secret"),
        "django.contrib.auth.backends.ModelBackend",
    )
    assert file.key in browser.get("/admin/jobs/archivefile/").content.decode()
    shown = browser.get(f"/admin/jobs/archivefile/{file.pk}/change/")
    assert shown.status_code == 200
    assert file.sha256 in shown.content.decode()
    assert browser.post(f"/admin/jobs/archivefile/{file.pk}/delete/", {"post": "yes"}).status_code == 403
