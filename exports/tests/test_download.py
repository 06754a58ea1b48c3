"""Downloads that go on where they ended, and links that work without signing in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.tests.factories import api
from commandcenter.analysis.tests.factories import make_repository, make_user
from commandcenter.events.models import Event
from commandcenter.inventory.models import Role
from exports import artifacts, links
from exports.models import Export
from exports.settle import settle
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, export_of, make_job, run_export, run_queued
from jobs.models import Job

pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]

URL = "/api/v1/exports"


@pytest.fixture
def export() -> Export:
    return run_export(analysis_of(make_repository(), 200))


@pytest.fixture
def operator(export: Export) -> Any:
    return make_user(export.project, Role.OPERATOR)


def whole(export: Export) -> bytes:
    with artifacts.opened(export.artifact) as file:
        content: bytes = file.read()
        return content


def get(export: Export, **headers: str) -> Any:
    return api(make_user(export.project)).get(f"{URL}/{export.pk}/download", headers=headers)


def test_a_part_of_a_file_is_sent(export: Export) -> None:
    content, size = whole(export), export.bytes
    assert size is not None
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=70000-", 70_000, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=-{size * 2}", 0, size),
        (f"bytes=5-{size * 2}", 5, size),
        ("Bytes=0-9", 0, 10),
    ):
        answer = get(export, range=asked)
        assert answer.status_code == 206, asked
        assert answer.getvalue() == content[start:end], asked
        assert answer["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer["Content-Length"] == str(end - start)
        assert answer["ETag"] == f'"{export.sha256}"'


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "0-5", "bytes=" + "9" * 50]
)
def test_what_is_no_single_range_gets_the_whole_file(export: Export, asked: str) -> None:
    answer = get(export, range=asked)
    assert (answer.status_code, answer["Accept-Ranges"]) == (200, "bytes")
    assert answer.getvalue() == whole(export)


def test_a_part_outside_of_the_file_is_416_with_its_size(export: Export) -> None:
    for asked in (f"bytes={export.bytes}-", "bytes=-0", "bytes=999999999999999999-"):
        answer = get(export, range=asked)
        assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
        assert answer["Content-Range"] == f"bytes */{export.bytes}"
        assert answer["Content-Type"] == "application/problem+json"


def test_a_download_of_another_file_begins_anew(export: Export) -> None:
    tag = f'"{export.sha256}"'
    assert get(export, **{"range": "bytes=5-", "if-range": tag}).status_code == 206
    for other in ('"other"', f"W/{tag}", "Mon, 30 Nov 2026 07:00:00 GMT"):
        assert get(export, **{"range": "bytes=5-", "if-range": other}).status_code == 200
    assert get(export, **{"range": "bytes=5-", "if-none-match": tag}).status_code == 304


def test_head_says_what_a_download_would(export: Export) -> None:
    answer = api(make_user(export.project)).head(
        f"{URL}/{export.pk}/download", headers={"range": "bytes=0-4"}
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Length"] == str(export.bytes)
    assert (answer["ETag"], answer["Accept-Ranges"]) == (f'"{export.sha256}"', "bytes")
    artifacts.remove(export.artifact)
    assert api(make_user(export.project)).head(f"{URL}/{export.pk}/download").status_code == 410


def test_a_file_that_becomes_shorter_while_it_is_sent_breaks_the_answer(export: Export, stored: Any) -> None:
    answer = get(export)
    pieces = iter(answer.streaming_content)
    next(pieces)
    (file,) = stored()
    with file.open("r+b") as cut:
        cut.truncate(70_000)
    with pytest.raises(OSError, match="became shorter"):
        list(pieces)
    answer.close()


def test_a_link_works_without_signing_in_and_the_trail_says_who_made_it(
    export: Export, operator: Any
) -> None:
    made = api(operator).post(f"{URL}/{export.pk}/link", {"expires_in": 120})
    assert made.status_code == 201
    link = made.json()
    assert link["url"].startswith(f"http://testserver{URL}/links/")
    answer = api().get(link["url"])
    assert (answer.status_code, answer.getvalue()) == (200, whole(export))
    assert answer["Content-Disposition"] == f'attachment; filename="{export.file_name}"'
    assert api().get(link["url"], headers={"range": "bytes=0-3"}).status_code == 206
    event = Event.objects.get(type="export.linked")
    assert (event.actor_id, event.subject_id, event.project_id) == (operator.pk, export.pk, export.project_id)
    assert event.data["expires_at"].startswith(link["expires_at"][:19])
    assert link["url"].rpartition("/")[2] not in str(event.data)


def test_a_link_ends_with_its_time_with_the_export_and_with_its_maker(
    export: Export, operator: Any, monkeypatch: Any
) -> None:
    def link(seconds: int = 3600) -> str:
        url: str = api(operator).post(f"{URL}/{export.pk}/link", {"expires_in": seconds}).json()["url"]
        return url

    url = link(60)
    later = timezone.now() + timedelta(seconds=61)
    with monkeypatch.context() as patch:
        patch.setattr("exports.links.timezone.now", lambda: later)
        over = api().get(url)
    assert (over.status_code, over.json()["code"]) == (410, "link_expired")

    url = link()
    assert api().get(url[:-1] + ("A" if url[-1] != "A" else "B")).status_code == 404
    forged = signing.dumps([export.pk, operator.pk, 2**40], salt="other")
    assert api().get(f"{URL}/links/{forged}").status_code == 404
    operator.memberships.all().delete()
    assert api().get(url).status_code == 404
    export.project.memberships.create(user=operator, role=Role.OPERATOR)
    assert api().get(url).status_code == 200
    operator.is_active = False
    operator.save()
    assert api().get(url).status_code == 404
    operator.is_active = True
    operator.save()
    Export.objects.update(expires_at=Now())
    assert (api().get(url).status_code, api().get(url).json()["code"]) == (410, "expired")
    Export.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert api(operator).delete(f"{URL}/{export.pk}").status_code == 204
    assert api().get(url).status_code == 404


def test_a_link_lives_no_longer_than_its_export(export: Export, operator: Any) -> None:
    Export.objects.update(expires_at=timezone.now() + timedelta(seconds=90))
    token, until = links.make(Export.objects.get(), operator, 3600)
    assert until <= timezone.now() + timedelta(seconds=90)
    assert links.export_of(token) == export


def test_who_may_make_a_link_and_how_long(export: Export, operator: Any) -> None:
    url = f"{URL}/{export.pk}/link"
    assert api(make_user(export.project)).post(url).status_code == 403
    assert api(make_user()).post(url).status_code == 404
    assert api().post(url).status_code == 401
    assert api(operator).post(url).status_code == 201
    for body in ({"expires_in": 59}, {"expires_in": 604801}, {"expires_in": "soon"}, {"expires": 60}):
        assert api(operator).post(url, body).status_code == 400, body
    waiting = make_job(analysis_of(make_repository(export.project))).export
    answer = api(operator).post(f"{URL}/{waiting.pk}/link")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
    assert Event.objects.filter(type="export.linked").count() == 1


def test_a_link_costs_few_queries(export: Export, operator: Any) -> None:
    token, _until = links.make(Export.objects.get(), operator, 3600)
    with CaptureQueriesContext(connection) as asked:
        assert api().get(f"{URL}/links/{token}").status_code == 200
    assert len(asked) <= 2


def test_a_disk_that_is_not_mounted_is_away_and_its_files_are_not_gone(export: Export, media: Path) -> None:
    media.rename(media.with_name("elsewhere"))
    answer = get(export)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer["Retry-After"]
    assert "is the disk mounted?" in answer.json()["detail"]
    media.with_name("elsewhere").rename(media)
    assert get(export).status_code == 200


def test_a_folder_that_cannot_be_written_is_named(media: Path) -> None:
    media.write_text("a file where the folder should be")
    job = make_job(analysis_of(make_repository()))
    Job.objects.filter(pk=job.pk).update(max_attempts=1)
    run_queued(job)
    settle()
    export = export_of(job)
    assert (export.status, export.error_code) == ("failed", "storage_unavailable")
    assert "did not take the file" in export.error_message
