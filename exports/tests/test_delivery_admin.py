"""Delivery targets in the admin."""

from __future__ import annotations

import pytest

from commandcenter.accounts.tests.factories import api, make_staff
from commandcenter.analysis.tests.factories import make_project
from exports.delivery.models import DeliveryTarget

pytestmark = pytest.mark.django_db


def test_the_admin_shows_targets_without_their_tokens() -> None:
    target = DeliveryTarget.objects.create(
        project=make_project(), name="t", kind="github", url="https://api.github.com", token="ghp_secret"
    )
    staff = api(make_staff(is_superuser=True))
    page = staff.get(f"/admin/exports/deliverytarget/{target.pk}/change/")
    assert page.status_code == 200
    assert b"api.github.com" in page.content
    assert b"ghp_secret" not in page.content
    assert staff.get("/admin/exports/deliverytarget/").status_code == 200
    assert staff.get("/admin/exports/exportdelivery/").status_code == 200
