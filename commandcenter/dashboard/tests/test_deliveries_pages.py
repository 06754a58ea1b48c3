"""Deliveries in the console: how they stand, who may deliver, and that no secret of a target is shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.tests.factories import api
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.dashboard.tests.test_exports_pages import shown
from commandcenter.inventory.models import Role
from commandcenter.inventory.tests.factories import make_member, make_project
from exports.delivery.asking import ask
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.models import Export
from exports.tests.factories import export_of, finished, make_job

SECRET = "whsec_nobody-may-see-this"


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> None:
    """A storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "media"


def target_of(project: Any, name: str = "hook", **values: Any) -> DeliveryTarget:
    fields = {"kind": "webhook", "url": "https://hooks.example/path-is-secret", "token": SECRET} | values
    return DeliveryTarget.objects.create(project=project, name=name, **fields)


def github_of(project: Any, name: str = "hub", **values: Any) -> DeliveryTarget:
    fields = {"kind": "github", "url": "https://api.github.com", "repository": "octo/billing"} | values
    return target_of(project, name, actions=["code_scanning", "status", "comment"], **fields)


def delivered(export: Export, target: DeliveryTarget, **values: Any) -> ExportDelivery:
    """The delivery as a worker left it."""
    ask(export, [target.pk], by=None)
    ExportDelivery.objects.filter(export=export, target=target).update(**values)
    return ExportDelivery.objects.get(export=export, target=target)


def refused(export: Export, target: DeliveryTarget, **values: Any) -> ExportDelivery:
    error = {"error_code": "http_410", "error_message": "The webhook says that it is gone for good (410)."}
    ended = {"status": "failed", "attempts": 3, "completed_at": timezone.now()}
    return delivered(export, target, **error | ended | values)


def test_each_delivery_says_where_it_went_and_how_it_stands(world: World) -> None:
    export = finished(world.analysis)
    steps = {
        "code_scanning": {
            "upload": "47177e22",
            "error": {"code": "processing", "message": "GitHub works on the upload."},
        },
        "status": {"done": True, "state": "success", "url": "https://api.github.com/statuses/1"},
        "comment": {"done": True, "url": "https://github.com/octo/billing/pull/7#issuecomment-1"},
    }
    soon = timezone.now() + timedelta(minutes=9)
    delivered(
        export, github_of(world.project), attempts=2, steps=steps, not_before=soon,
        error_code="http_403", error_message="GitHub <b>answered</b> 403.",
    )  # fmt: skip
    refused(export, target_of(world.project, "gone"))
    delivered(export, target_of(world.project, "new"))
    content = shown(signed_in(world.viewer), f"/exports/{export.pk}/")
    for words in (
        "octo/billing", "GitHub works on the upload.", "success", "issuecomment-1",
        "next try", "GitHub &lt;b&gt;answered&lt;/b&gt; 403.", "gone for good (410)", "http_410", "hooks.example", "its turn comes soon",
    ):  # fmt: skip
        assert words in content, words
    assert "path-is-secret" not in content
    assert SECRET not in content
    assert "statuses/1" not in content


def test_the_page_follows_deliveries_until_they_have_ended(world: World) -> None:
    export = export_of(make_job(world.analysis))
    client, path = signed_in(world.viewer), f"/exports/{export.pk}/deliveries/"
    delivered(export, target_of(world.project))
    content = shown(client, path)
    assert "until the export is done" in content
    assert 'data-live-every="5"' in content
    assert "<html" not in content
    refused(export, DeliveryTarget.objects.get())
    assert "data-live-every" not in shown(client, path)


def test_an_operator_delivers_and_delivers_again(world: World) -> None:
    export = finished(world.analysis)
    client, path = signed_in(world.operator), f"/exports/{export.pk}/"
    first, second = target_of(world.project, "first"), target_of(world.project, "second")
    before = refused(export, first)
    content = shown(client, path)
    assert 'aria-label="Deliver to first again"' in content
    assert f'<option value="{second.pk}">second (Webhook)</option>' in content
    assert f'<option value="{first.pk}">' not in content
    for target in (first, second):
        response = client.post(f"{path}deliver/", {"deliver": target.pk})
        assert response.headers["Location"] == f"{path}#deliveries"
    rows = {row.target: row for row in ExportDelivery.objects.select_related("target")}
    assert [(rows[each].status, rows[each].requested_by) for each in (first, second)] == [
        ("pending", world.operator)
    ] * 2
    assert rows[first].message != before.message
    assert "again" not in shown(client, path).partition('id="deliveries"')[2]


def test_only_operators_deliver_and_only_to_targets_of_the_project(world: World) -> None:
    export = finished(world.analysis)
    path = f"/exports/{export.pk}/"
    ours, theirs = target_of(world.project), target_of(make_project())
    refused(export, ours)
    viewer = signed_in(world.viewer)
    assert "/deliver/" not in shown(viewer, path)
    assert viewer.post(f"{path}deliver/", {"deliver": ours.pk}).status_code == 403
    stranger = signed_in(world.stranger)
    assert stranger.post(f"{path}deliver/", {"deliver": ours.pk}).status_code == 404
    assert stranger.get(f"{path}deliveries/").status_code == 404
    operator = signed_in(world.operator)
    for hostile in (theirs.pk, "x", "-1", "9" * 30, "\0"):
        content = operator.post(f"{path}deliver/", {"deliver": hostile}, follow=True).content.decode()
        assert "The project has no delivery target" in content, hostile
    assert operator.get(f"{path}deliver/").status_code == 405
    assert list(ExportDelivery.objects.values_list("target", "status")) == [(ours.pk, "failed")]


def test_an_export_without_a_file_is_not_delivered(world: World) -> None:
    export, target = finished(world.analysis), target_of(world.project)
    refused(export, target)
    Export.objects.filter(pk=export.pk).update(expires_at=timezone.now())
    client = signed_in(world.operator)
    assert "/deliver/" not in shown(client, f"/exports/{export.pk}/")
    content = client.post(f"/exports/{export.pk}/deliver/", {"deliver": target.pk}, follow=True).content
    assert b"The export has no file to deliver." in content
    assert ExportDelivery.objects.get().status == "failed"


def test_the_menu_delivers_what_is_made_in_the_background(world: World) -> None:
    hub, off = github_of(world.project), target_of(world.project, "off", enabled=False)
    client, path = signed_in(world.operator), f"/analyses/{world.analysis.pk}/"
    content = shown(client, path)
    assert f'<option value="{hub.pk}">hub (GitHub)</option>' in content
    assert f'<option value="{off.pk}">' not in content
    assert "Deliver to" not in shown(signed_in(world.viewer), path)
    client.post(f"{path}export/", {"format": "sarif", "how": "background", "deliver": hub.pk})
    delivery = ExportDelivery.objects.get()
    assert (delivery.target, delivery.status, delivery.export) == (hub, "pending", Export.objects.get())
    chosen = {"format": "sarif", "how": "background", "deliver": off.pk}
    content = client.post(f"{path}export/", chosen, follow=True).content.decode()
    assert "The target off is switched off." in content
    assert Export.objects.count() == 1, "a refused delivery left an export behind"


def test_a_portfolio_is_delivered_to_webhooks_only(world: World) -> None:
    hub, hook = github_of(world.project), target_of(world.project)
    client, path = signed_in(world.operator), f"/projects/{world.project.pk}/"
    content = shown(client, path)
    assert f'<option value="{hook.pk}">' in content
    assert f'<option value="{hub.pk}">' not in content
    client.post(f"{path}export/", {"format": "csv", "deliver": hook.pk})
    assert ExportDelivery.objects.get().target == hook
    said = client.post(f"{path}export/", {"format": "csv", "deliver": hub.pk}, follow=True).content
    assert b"takes one analysis at a time" in said


def test_a_project_shows_its_targets_without_their_secrets(world: World) -> None:
    path = f"/projects/{world.project.pk}/"
    assert "pushed nowhere" in shown(signed_in(world.viewer), path)
    github_of(world.project, repository="", url="https://git.example/api/v3")
    target_of(world.project, "<b>off</b>", enabled=False)
    admin = make_member(world.project, Role.ADMIN).user
    link = f'href="/api/v1/delivery-targets?project={world.project.pk}"'
    for user, may in ((world.viewer, False), (world.operator, False), (admin, True)):
        content = shown(signed_in(user), path)
        assert "the repository that was analysed on git.example" in content
        assert "Upload to code scanning, Commit status, Pull-request comment" in content
        assert "&lt;b&gt;off&lt;/b&gt;" in content
        assert (link in content) is may
        listed = signed_in(user).get(link[6:-1], HTTP_ACCEPT="text/html")
        assert listed.status_code == 200
        assert SECRET not in listed.content.decode()
        assert SECRET not in content
        assert "path-is-secret" not in content


def test_the_number_of_queries_does_not_grow_with_deliveries(world: World) -> None:
    export = finished(world.analysis)
    client = signed_in(world.operator)

    def counted(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            client.get(path)
        assert "whsec" not in str(captured.captured_queries)
        assert '"exports_deliverytarget"."token"' not in str(captured.captured_queries)
        return len(captured)

    paths = (f"/exports/{export.pk}/", f"/exports/{export.pk}/deliveries/", f"/projects/{world.project.pk}/")
    refused(export, target_of(world.project))
    before = [counted(path) for path in paths]
    for number in range(3):
        refused(export, target_of(world.project, f"more {number}"))
        target_of(world.project, f"free {number}")
    assert [counted(path) for path in paths] == before
    assert before[0] <= 13
    assert before[1] <= 7


def test_exports_from_pages_and_over_the_api_spend_one_limit(world: World, settings: Any) -> None:
    caches["limits"].clear()
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "export": "3/d"}
    client, made = signed_in(world.operator), {"format": "json", "how": "background"}
    path = f"/analyses/{world.analysis.pk}/export/"
    first = client.post(path, made).headers["Location"]
    client.post(f"{first}again/")
    over_the_api = {"analyses": [world.analysis.pk], "format": "json"}
    assert api(world.operator).post("/api/v1/exports", over_the_api).status_code == 202
    for action, given in (
        (path, made),
        (f"{first}again/", {}),
        (f"/projects/{world.project.pk}/export/", {"format": "csv"}),
    ):
        content = client.post(action, given, follow=True).content.decode()
        assert "You asked for too many exports. Try again in" in content, action
    assert api(world.operator).post("/api/v1/exports", over_the_api).status_code == 429
    assert Export.objects.count() == 3
    caches["limits"].clear()
