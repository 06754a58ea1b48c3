"""Exports in the admin: read, and deleted with their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from commandcenter.accounts.tests.factories import make_user
from commandcenter.analysis.tests.factories import make_repository
from commandcenter.inventory.models import Repository
from exports.delivery.asking import ask
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.models import Export
from exports.tests.factories import analysis_of, export_of, finished, make_job

LIST = "/admin/exports/export/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def repository(db: None) -> Repository:
    """A repository to analyse."""
    return make_repository()


@pytest.fixture
def admin() -> Client:
    """A superuser's session."""
    client = Client()
    user = make_user(is_staff=True, is_superuser=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_exports_are_read_and_not_changed(admin: Client, media: Path, repository: Any) -> None:
    export = finished(analysis_of(repository))
    assert "completed" in admin.get(LIST).content.decode()
    assert export.sha256 in admin.get(f"{LIST}{export.pk}/change/").content.decode()
    assert admin.get(f"{LIST}add/").status_code == 403
    assert admin.post(f"{LIST}{export.pk}/change/", {"format": "csv"}).status_code == 403


def test_the_file_goes_with_the_row(
    admin: Client, media: Path, repository: Any, django_capture_on_commit_callbacks: Any
) -> None:
    analysis = analysis_of(repository)
    one, two = finished(analysis), finished(analysis)
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(f"{LIST}{one.pk}/delete/", {"post": "yes"})
    assert not (media / one.artifact).exists()
    chosen = {"action": "delete_selected", "_selected_action": [two.pk], "post": "yes"}
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(LIST, chosen)
    assert not (media / two.artifact).exists()
    assert not Export.objects.exists()


def test_deliveries_go_with_their_export(
    admin: Client, media: Path, repository: Any, django_capture_on_commit_callbacks: Any
) -> None:
    export = finished(analysis_of(repository))
    target = DeliveryTarget.objects.create(
        project=repository.project, name="hook", kind="webhook", url="https://hooks.example.com/x"
    )
    ask(export, [target.pk], by=None)
    assert ExportDelivery.objects.filter(export=export).exists()
    assert "cannot" not in admin.get(f"{LIST}{export.pk}/delete/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert admin.post(f"{LIST}{export.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Export.objects.exists()
    assert not ExportDelivery.objects.exists()


def test_one_that_runs_is_not_deleted(admin: Client, repository: Any) -> None:
    waiting = export_of(make_job(analysis_of(repository)))
    assert admin.post(f"{LIST}{waiting.pk}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [waiting.pk], "post": "yes"}
    assert admin.post(LIST, chosen).status_code == 403
    assert Export.objects.filter(pk=waiting.pk).exists()
