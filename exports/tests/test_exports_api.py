"""/exports over HTTP: asked for, followed, listed, fetched and deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from commandcenter.accounts.tests.factories import api, make_token
from commandcenter.analysis.tests.factories import make_project, make_repository, make_user, start, tree_ref
from commandcenter.events.models import Event
from commandcenter.inventory.models import Role
from exports.ledger import Artifact, complete
from exports.models import Export
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, make_job, run_export, run_queued
from exports.tests.test_formats import export as streamed
from jobs.cancellation import cancel
from jobs.models import Job

pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]

URL = "/api/v1/exports"
FIELDS = {
    *(
        "id",
        "project",
        "analyses",
        "portfolio",
        "format",
        "options",
        "status",
        "file_name",
        "media_type",
        "bytes",
        "sha256",
    ),
    *("created_by", "created_at", "completed_at", "expires_at", "job", "download_url", "error"),
}
Stored = Callable[[], list[Path]]


@pytest.fixture
def repository() -> Any:
    return make_repository()


@pytest.fixture
def operator(repository: Any) -> Any:
    return make_user(repository.project, Role.OPERATOR)


@pytest.fixture
def client(operator: Any) -> Any:
    return api(operator)


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


def test_an_export_is_asked_for_followed_and_fetched(client: Any, operator: Any, repository: Any) -> None:
    analysis = analysis_of(repository, 20)
    asked = client.post(URL, {"analyses": [analysis.pk], "format": "sarif", "options": {"profile": "full"}})
    assert asked.status_code == 202
    export, job = asked.json()["export"], asked.json()["job"]
    assert export.keys() == FIELDS
    assert asked["Location"] == f"http://testserver{URL}/{export['id']}"
    assert (export["status"], export["job"], export["created_by"]) == ("queued", job["id"], operator.pk)
    assert (job["job_type"], job["queue"], job["status"]) == ("export", "export", "queued")
    assert job["parameters"] == {
        "analyses": [analysis.pk],
        "format": "sarif",
        "options": {},
    }  # what is said is the default
    assert {export[name] for name in ("file_name", "bytes", "sha256", "download_url", "error")} == {None}
    waiting = client.get(f"{URL}/{export['id']}/download")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "not_ready")

    run_queued(Job.objects.get(pk=job["id"]))
    done = client.get(f"{URL}/{export['id']}").json()
    assert (done["status"], done["error"]) == ("completed", None)
    file = client.get(done["download_url"])
    content = file.getvalue()
    assert content == streamed(analysis, "sarif")
    assert hashlib.sha256(content).hexdigest() == done["sha256"]


def test_a_job_of_the_type_export_is_the_same_thing(client: Any, repository: Any) -> None:
    analysis = analysis_of(repository)
    body = {"project": repository.project_id, "job_type": "export"}
    asked = client.post("/api/v1/jobs", {**body, "parameters": {"analyses": [analysis.pk], "format": "json"}})
    assert asked.status_code == 201
    (export,) = client.get(f"{URL}?job={asked.json()['id']}").json()["results"]
    assert (export["analyses"], export["status"]) == ([analysis.pk], "queued")
    run_queued(Job.objects.get(pk=asked.json()["id"]))
    assert client.get(f"{URL}/{export['id']}/download").status_code == 200


def test_the_file_is_sent_as_it_is_stored(client: Any, repository: Any) -> None:
    export = run_export(analysis_of(repository, 200))
    answer = client.get(
        f"{URL}/{export.pk}/download", headers={"accept": "text/html", "accept-encoding": "gzip"}
    )
    assert answer.status_code == 200
    assert answer.streaming
    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == f'attachment; filename="{export.file_name}"'
    assert answer["Content-Length"] == str(len(answer.getvalue())) == str(export.bytes)
    assert answer["ETag"] == f'"{export.sha256}"'
    assert "Content-Encoding" not in answer
    again = client.get(f"{URL}/{export.pk}/download", headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_who_may(repository: Any) -> None:
    """Viewers read and download; operators ask and delete; for others there is nothing."""
    analysis = analysis_of(repository)
    export = run_export(analysis)
    body = {"analyses": [analysis.pk], "format": "json"}
    one, file = f"{URL}/{export.pk}", f"{URL}/{export.pk}/download"
    viewer, stranger = api(make_user(repository.project)), api(make_user(make_project()))
    assert [viewer.get(url).status_code for url in (one, file)] == [200, 200]
    assert (viewer.post(URL, body).status_code, viewer.delete(one).status_code) == (403, 403)
    assert [stranger.get(url).status_code for url in (one, file)] == [404, 404]
    assert errors(stranger.post(URL, body)) == [("analyses", "does_not_exist")]
    assert stranger.delete(one).status_code == 404
    assert stranger.get(URL).json()["results"] == []
    assert [api().get(url).status_code for url in (URL, one, file)] == [401, 401, 401]
    reader = make_user(repository.project, Role.OPERATOR)
    token = api(token=make_token(reader, scope="read")[1])
    assert (token.get(file).status_code, token.post(URL, body).status_code) == (200, 403)
    limited = api(token=make_token(make_user(staff=True), project_ids=[make_project().pk])[1])
    assert limited.get(one).status_code == 404


@pytest.mark.django_db  # nothing is committed, which is quicker
@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"format": "pdf"}, ("format", "unknown")),
        ({"format": None}, ("format", "null")),
        ({"analyses": []}, ("analyses", "min_length")),
        ({"analyses": None}, ("analyses", "null")),
        ({"analyses": "7"}, ("analyses", "not_a_list")),
        ({"analyses": [2**64]}, ("analyses.0", "invalid")),
        ({"analyses": [2**62]}, ("analyses", "does_not_exist")),
        ({"analyses": list(range(1, 102))}, ("analyses", "max_length")),
        ({"options": "pretty"}, ("options", "not_a_dict")),
        ({"options": {"colour": True}}, ("options.colour", "unknown")),
        ({"fromat": "json"}, ("fromat", "unknown")),
    ],
)
def test_bad_input_is_named(client: Any, repository: Any, body: Any, wanted: Any) -> None:
    analysis = analysis_of(repository)
    answer = client.post(URL, {"analyses": [analysis.pk], "format": "json", **body})
    assert errors(answer) == [wanted]
    assert not Export.objects.exists()


@pytest.mark.django_db  # nothing is committed, which is quicker
@pytest.mark.parametrize("raw", ["[]", "7", '"x"', "null", "{", ""])
def test_a_body_that_is_no_object_is_400(client: Any, raw: str) -> None:
    assert client.generic("POST", URL, raw, "application/json").status_code == 400


@pytest.mark.django_db
def test_an_analysis_without_results_is_named(client: Any, repository: Any) -> None:
    running = start(repository, tree_ref())
    answer = client.post(URL, {"analyses": [running.pk], "format": "json"})
    assert errors(answer) == [("analyses", "no_results")]
    assert str(running.pk) in answer.json()["errors"][0]["message"]


@pytest.mark.django_db
def test_analyses_of_several_projects_are_refused(client: Any, operator: Any, repository: Any) -> None:
    other = make_repository()
    other.project.memberships.create(user=operator, role=Role.OPERATOR)
    pks = [analysis_of(repository).pk, analysis_of(other).pk]
    assert errors(client.post(URL, {"analyses": pks, "format": "json"})) == [("analyses", "several_projects")]


def test_a_repeated_request_gets_the_same_export(client: Any, repository: Any) -> None:
    body = {"analyses": [analysis_of(repository).pk], "format": "json"}
    first = client.post(URL, body, headers={"idempotency-key": "k1"})
    again = client.post(URL, body, headers={"idempotency-key": "k1"})
    assert first.json() == again.json()
    assert (again.status_code, again["Idempotent-Replayed"]) == (202, "true")
    assert Export.objects.count() == 1
    assert client.post(URL, body).json()["export"]["id"] != first.json()["export"]["id"]


@pytest.mark.django_db
def test_asking_has_the_limit_of_exports_and_reading_has_not(
    client: Any, repository: Any, settings: Any
) -> None:
    caches["limits"].clear()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "export": "2/h"}
    body = {"analyses": [analysis_of(repository).pk], "format": "json"}
    assert [client.post(URL, body).status_code for _ in range(3)] == [202, 202, 429]
    assert client.get(URL).status_code == 200


def test_the_list_is_filtered_paged_and_read_in_few_queries(client: Any, repository: Any) -> None:
    analysis = analysis_of(repository)
    done = [run_export(analysis, name=name) for name in ("json", "sarif", "json")]
    waiting = make_job(analysis).export
    run_export(analysis_of(make_repository()))  # of others
    expired = run_export(analysis)
    Export.objects.filter(pk=expired.pk).update(expires_at=Now() - timedelta(seconds=1))

    def listed(query: str) -> list[int]:
        answer = client.get(f"{URL}?{query}")
        assert answer.status_code == 200, answer.json()
        return [row["id"] for row in answer.json()["results"]]

    assert listed("") == [expired.pk, waiting.pk, *(each.pk for each in reversed(done))]
    assert listed("status=completed") == [each.pk for each in reversed(done)]
    assert listed("status=queued&status=expired") == [expired.pk, waiting.pk]
    assert listed("format=sarif") == [done[1].pk]
    assert listed(f"analysis={analysis.pk}&project={repository.project_id}&format=json&limit=2") == [
        expired.pk,
        waiting.pk,
    ]
    assert listed(f"project={make_project().pk}") == []
    page = client.get(f"{URL}?limit=3").json()
    assert [row["id"] for row in client.get(page["next"]).json()["results"]] == [done[1].pk, done[0].pk]
    assert client.get(f"{URL}?status=ready").status_code == 400
    assert client.get(f"{URL}?project=x").status_code == 400
    with CaptureQueriesContext(connection) as five:
        client.get(URL)
    with CaptureQueriesContext(connection) as one:
        client.get(f"{URL}?limit=1")
    assert len(five) == len(one)


def test_a_failed_export_says_why(client: Any, repository: Any) -> None:
    job = make_job(analysis_of(repository))
    repository.delete()
    export = run_queued(job)
    assert export.outcome == ""  # not settled yet, and told all the same
    shown = client.get(f"{URL}/{export.pk}").json()
    assert (shown["status"], shown["error"]["code"]) == ("failed", "analysis_deleted")
    answer = client.get(f"{URL}/{export.pk}/download")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_file")


def test_a_file_that_is_gone_expired_or_damaged_is_410(client: Any, repository: Any, stored: Stored) -> None:
    export = run_export(analysis_of(repository, 100))
    url = f"{URL}/{export.pk}/download"
    (file,) = stored()
    file.write_bytes(file.read_bytes()[:-1])
    codes = [client.get(url)]
    file.unlink()
    codes.append(client.get(url))
    Export.objects.update(expires_at=Now())
    codes.append(client.get(url))
    assert [(answer.status_code, answer.json()["code"]) for answer in codes] == [
        (410, "file_damaged"),
        (410, "file_missing"),
        (410, "expired"),
    ]
    assert client.get(f"{URL}/{export.pk}").json()["status"] == "expired"
    assert client.get(f"{URL}/{export.pk}").json()["download_url"] is None


def test_a_cancelled_export_says_so(client: Any, repository: Any) -> None:
    job = make_job(analysis_of(repository))
    cancel(job, None)
    answer = client.get(f"{URL}/{job.export.pk}/download")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_file")
    assert "was cancelled" in answer.json()["detail"]


def test_deleting_removes_the_file_and_a_running_export_is_cancelled_first(
    client: Any, repository: Any, stored: Stored
) -> None:
    analysis = analysis_of(repository)
    export = run_export(analysis)
    keep = run_export(analysis)
    assert client.delete(f"{URL}/{export.pk}").status_code == 204
    assert client.get(f"{URL}/{export.pk}").status_code == 404
    (file,) = stored()
    assert file.as_posix().endswith(keep.artifact)
    assert Job.objects.count() == 3  # that of the analysis, and of both exports

    job = make_job(analysis)
    waiting = f"{URL}/{job.export.pk}"
    refused = client.delete(waiting)
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_state")
    cancel(job, None)
    assert client.get(waiting).json()["status"] == "cancelled"
    assert client.delete(waiting).status_code == 204


def test_the_failure_of_an_export_deleted_at_once_is_still_told(client: Any, repository: Any) -> None:
    job = make_job(analysis_of(repository))
    repository.delete()
    export = run_queued(job)
    assert client.delete(f"{URL}/{export.pk}").status_code == 204
    assert Event.objects.filter(type="export.failed", subject_id=export.pk).count() == 1


@pytest.mark.django_db
def test_the_page_of_the_job_offers_the_file(client: Any, repository: Any) -> None:
    analysis = analysis_of(repository)
    job = make_job(analysis)
    page = f"/jobs/{job.pk}/"
    assert "/download" not in client.get(page).content.decode()
    Job.objects.filter(pk=job.pk).update(status="completed", completed_at=Now())
    artifact = Artifact("exports/x", "a.json", "application/json", 2_500_000, "0" * 64)
    complete(job.export, artifact)
    shown = client.get(page).content.decode()
    assert f'href="{URL}/{job.export.pk}/download"' in shown
    assert "Download 2.4\xa0MB" in shown
    assert "/download" not in client.get(f"/jobs/{analysis.job_id}/").content.decode()
