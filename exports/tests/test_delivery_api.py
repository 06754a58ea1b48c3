"""Delivery targets and deliveries over HTTP: who may, what is refused, and that no secret is shown."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.accounts.tests.factories import api
from commandcenter.analysis.tests.factories import make_project, make_repository, make_user
from commandcenter.core.signing import new_secret
from commandcenter.events.models import Event
from commandcenter.inventory.models import Role
from exports.delivery import targets
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.delivery.targets import MAX_TARGETS
from exports.models import Export
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, finished, make_job, run_queued
from exports.tests.test_exports_api import errors
from jobs.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

URL = "/api/v1/delivery-targets"
API = "https://api.github.com"
TOKEN = "ghp_1234567890secret"


def body(project: Any, **values: Any) -> dict[str, Any]:
    given = {"project": project.pk, "name": "GitHub", "kind": "github", "token": TOKEN, "actions": ["status"]}
    return {key: value for key, value in (given | values).items() if value is not None}


@pytest.fixture
def project() -> Any:
    return make_project()


@pytest.fixture
def admin(project: Any) -> Any:
    return api(make_user(project, Role.ADMIN))


def test_a_target_is_made_changed_and_removed_and_its_token_is_never_shown(project: Any, admin: Any) -> None:
    made = admin.post(URL, body(project, actions=["comment", "status", "comment"]))
    assert made.status_code == 201
    shown = made.json()
    assert (shown["url"], shown["actions"]) == ("https://api.github.com", ["status", "comment"])
    path = f"{URL}/{shown['id']}"
    assert admin.patch(path, {"name": "Hub", "token": "ghp_other"}).status_code == 200
    assert str(DeliveryTarget.objects.get().token) == "ghp_other"
    said = [admin.get(path).content, admin.get(f"{URL}?project={project.pk}").content, made.content]
    assert all(b"ghp_" not in each and b'"token"' not in each for each in said)
    assert admin.delete(path).status_code == 204
    events = Event.objects.filter(type="project.updated").order_by("pk")
    assert [(bool(each.before), bool(each.after)) for each in events] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    assert not any("ghp_" in str([each.before, each.after, each.data]) for each in events)


def test_the_token_lies_encrypted(project: Any, admin: Any) -> None:
    admin.post(URL, body(project))
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM exports_deliverytarget")
        assert TOKEN.encode() not in bytes(cursor.fetchone()[0])


def test_a_token_does_not_follow_an_address_that_was_changed(project: Any, admin: Any) -> None:
    path = f"{URL}/{admin.post(URL, body(project)).json()['id']}"
    moved = {"url": "https://evil.example/api/v3"}
    assert errors(admin.patch(path, moved)) == [("token", "required")]
    assert DeliveryTarget.objects.get().url == "https://api.github.com"
    assert admin.patch(path, {**moved, "token": "ghp_new"}).status_code == 200


def test_only_admins_of_the_project_write_and_strangers_see_nothing(project: Any, admin: Any) -> None:
    path = f"{URL}/{admin.post(URL, body(project)).json()['id']}"
    operator, stranger = api(make_user(project, Role.OPERATOR)), api(make_user(make_project(), Role.ADMIN))
    assert operator.get(path).status_code == 200
    assert operator.post(URL, body(project, name="Other")).status_code == 403
    assert operator.patch(path, {"name": "x"}).status_code == 403
    assert operator.delete(path).status_code == 403
    assert stranger.get(path).status_code == stranger.delete(path).status_code == 404
    assert errors(stranger.post(URL, body(project))) == [("project", "does_not_exist")]
    assert stranger.get(URL).json()["results"] == []


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"url": "http://api.github.com"}, "url", "invalid"),
        ({"url": "ftp://api.github.com"}, "url", "invalid"),
        ({"url": "https://10.0.0.1/api/v3"}, "url", "invalid"),
        ({"url": "https://0x7f.1/"}, "url", "invalid"),
        ({"url": "https://user:pass@api.github.com"}, "url", "invalid"),
        ({"url": "https://[::1"}, "url", "invalid"),
        ({"url": "https://api.github.com:0"}, "url", "invalid"),
        ({"url": "https://host:99999/"}, "url", "invalid"),
        ({"url": "https://api.github.com/?x=1"}, "url", "invalid"),
        ({"actions": []}, "actions", "required"),
        ({"actions": ["fork"]}, "actions.0", "invalid_choice"),
        ({"repository": "../../user"}, "repository", "invalid"),
        ({"repository": "octo/.."}, "repository", "invalid"),
        ({"token": "a\nb"}, "token", "invalid"),
        ({"token": None}, "token", "required"),
        ({"kind": "webhook", "actions": None, "url": "https://hooks.example/"}, "token", "invalid"),
        ({"kind": "webhook", "actions": None, "token": new_secret()}, "url", "required"),
        (
            {"kind": "webhook", "url": "https://hooks.example/", "token": new_secret()},
            "actions",
            "not_for_webhooks",
        ),
        ({"colour": "red"}, "colour", "unknown"),
    ],
)
def test_what_no_target_can_have_is_refused(
    project: Any, admin: Any, values: dict[str, Any], field: str, code: str
) -> None:
    assert errors(admin.post(URL, body(project, **values))) == [(field, code)]


def test_plain_http_is_for_networks_that_were_allowed(project: Any, admin: Any, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = (ip_network("10.0.0.0/8"),)
    assert (
        admin.post(URL, body(project, url="http://10.1.2.3/api/v3/")).json()["url"]
        == "http://10.1.2.3/api/v3"
    )


def test_a_project_has_so_many_targets(project: Any, admin: Any) -> None:
    for number in range(MAX_TARGETS):
        DeliveryTarget.objects.create(project=project, name=f"t{number}", kind="github", url=API, token="x")
    assert errors(admin.post(URL, body(project))) == [("project", "too_many")]
    assert errors(admin.post(URL, body(project, name="t1")))[0][1] in {"unique", "too_many"}


def test_a_name_that_another_took_meanwhile_is_refused(project: Any, admin: Any) -> None:
    """Two requests at once both find the name free; the second one waits for the first and learns better."""
    values = {"name": "t", "kind": "github", "url": API, "token": TOKEN, "actions": ["status"]}
    targets.create_target(project, dict(values))
    other = targets.create_target(project, values | {"name": "other"})
    with pytest.raises(targets.InvalidTarget, match="of this name"):
        targets.create_target(project, dict(values))
    with pytest.raises(targets.InvalidTarget, match="of this name"):
        targets.update_target(other, {"name": "t"})


def test_the_list_costs_the_same_however_long(project: Any, admin: Any) -> None:
    def queries(count: int) -> int:
        for _ in range(count):
            name = f"t{DeliveryTarget.objects.count()}"
            DeliveryTarget.objects.create(project=project, name=name, kind="github", url=API, token="x")
        with CaptureQueriesContext(connection) as seen:
            admin.get(URL)
        return len(seen)

    queries(1)
    assert queries(1) == queries(5)


@COMMITTED
def test_an_export_is_delivered_when_it_is_completed(project: Any) -> None:
    analysis = analysis_of(make_repository(project))
    client = api(make_user(project, Role.OPERATOR))
    target = DeliveryTarget.objects.create(project=project, name="t", kind="github", url=API, token="x")
    asked = client.post(
        "/api/v1/exports", {"analyses": [analysis.pk], "format": "json", "deliver": [target.pk]}
    )
    assert asked.status_code == 202
    (shown,) = asked.json()["deliveries"]
    assert (shown["target"], shown["target_name"], shown["status"]) == (target.pk, "t", "pending")
    assert not ExportDelivery.objects.due().exists(), "there is no file yet"
    run_queued(Job.objects.get(pk=asked.json()["job"]["id"]))
    assert ExportDelivery.objects.due().count() == 1
    (listed,) = client.get(f"/api/v1/exports/{asked.json()['export']['id']}/deliveries").json()["results"]
    assert listed == shown


def test_an_export_that_names_a_wrong_target_is_not_made(project: Any) -> None:
    analysis = analysis_of(make_repository(project))
    client = api(make_user(project, Role.OPERATOR))
    other = DeliveryTarget.objects.create(project=make_project(), name="t", kind="github", url=API, token="x")
    off = DeliveryTarget.objects.create(
        project=project, name="off", kind="github", url=API, token="x", enabled=False
    )
    asked = client.post(
        "/api/v1/exports", {"analyses": [analysis.pk], "format": "json", "deliver": [other.pk, off.pk]}
    )
    assert {code for _field, code in errors(asked)} == {"does_not_exist", "disabled"}
    assert not Export.objects.exists()
    assert not Job.objects.filter(job_type="export").exists()


def test_a_finished_export_is_delivered_on_demand_and_again(project: Any) -> None:
    export = finished(analysis_of(make_repository(project)))
    target = DeliveryTarget.objects.create(project=project, name="t", kind="github", url=API, token="x")
    path = f"/api/v1/exports/{export.pk}/deliver"
    operator, viewer = api(make_user(project, Role.OPERATOR)), api(make_user(project))
    assert viewer.post(path, {"targets": [target.pk]}).status_code == 403
    assert api(make_user(make_project())).post(path, {"targets": [target.pk]}).status_code == 404
    first = operator.post(path, {"targets": [target.pk]}).json()["results"]
    again = operator.post(path, {"targets": [target.pk]}).json()["results"]
    assert first == again, "it has not ended, so it stays as it is"
    message = ExportDelivery.objects.get().message
    ExportDelivery.objects.update(
        status="failed", completed_at=export.completed_at, error_code="x", failures=8
    )
    (shown,) = operator.post(path, {"targets": [target.pk]}).json()["results"]
    assert (shown["status"], shown["error"], shown["completed_at"]) == ("pending", None, None)
    assert ExportDelivery.objects.get().message != message
    assert errors(operator.post(path, {"targets": []}))[0][0] == "targets"
    assert errors(operator.post(path, {"targets": [target.pk + 999]})) == [("targets", "does_not_exist")]


def test_several_analyses_do_not_go_to_github(project: Any) -> None:
    repository = make_repository(project)
    export = finished(analysis_of(repository), analysis_of(make_repository(project)))
    hub = DeliveryTarget.objects.create(project=project, name="t", kind="github", url=API, token="x")
    client = api(make_user(project, Role.OPERATOR))
    answer = client.post(f"/api/v1/exports/{export.pk}/deliver", {"targets": [hub.pk]})
    assert errors(answer) == [("targets", "several_analyses")]


def test_an_export_without_a_file_is_not_delivered(project: Any) -> None:
    job = make_job(analysis_of(make_repository(project)))
    export = Export.objects.get(job=job)
    Export.objects.update(outcome="failed", completed_at=export.created_at, expires_at=export.created_at)
    target = DeliveryTarget.objects.create(project=project, name="t", kind="github", url=API, token="x")
    client = api(make_user(project, Role.OPERATOR))
    answer = client.post(f"/api/v1/exports/{export.pk}/deliver", {"targets": [target.pk]})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_file")
