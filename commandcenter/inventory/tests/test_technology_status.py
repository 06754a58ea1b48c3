"""However the status of a technology is changed, the event says what it was and who changed it."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from commandcenter.accounts.tests.factories import api, make_staff
from commandcenter.events.models import Event
from commandcenter.inventory.models import Technology
from commandcenter.inventory.tests.factories import make_member, make_project, make_technology

pytestmark = pytest.mark.django_db


@pytest.fixture
def technology(db: None) -> Technology:
    return make_technology(make_project(), name="Kafka", domain="infrastructure", status="evaluation")


def by_api(technology: Technology) -> str:
    user = make_member(technology.project, "operator").user
    path = f"/api/v1/technologies/{technology.pk}"
    assert api(user).patch(path, {"status": "archived"}, format="json").status_code == 200
    return user.username


def by_page(technology: Technology) -> str:
    user = make_member(technology.project, "operator").user
    values = {"name": "Kafka", "domain": "infrastructure", "priority": 3, "relevance_score": 50}
    answer = _browser(user).post(f"/technologies/{technology.pk}/edit/", {**values, "status": "archived"})
    assert answer.status_code == 302
    return user.username


def by_admin(technology: Technology) -> str:
    user = make_staff(is_superuser=True)
    path = f"/admin/inventory/technology/{technology.pk}/change/"
    client = _browser(user)
    initial = client.get(path).context["adminform"].form.initial
    values = {name: "" if value is None else value for name, value in initial.items() if name != "tags"}
    assert client.post(path, {**values, "tags": "[]", "status": "archived"}).status_code == 302
    return user.username


def by_command(technology: Technology) -> str:
    said = StringIO()
    call_command("technology_status", technology.project.slug, "Kafka", "archived", stdout=said)
    assert said.getvalue() == "Kafka: evaluation -> archived\n"
    return "technology_status"


def _browser(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("change", [by_api, by_page, by_admin, by_command])
def test_every_way_announces_it_alike(technology: Technology, change: Any) -> None:
    who = change(technology)
    event = Event.objects.get(type="technology.status_changed")
    assert event.data == {
        "technology": technology.pk,
        "name": "Kafka",
        "domain": "infrastructure",
        "from": "evaluation",
        "to": "archived",
    }
    assert (event.before, event.after) == ({"status": "evaluation"}, {"status": "archived"})
    assert (event.project_id, event.subject_kind, event.subject_id) == (
        technology.project_id,
        "technology",
        technology.pk,
    )
    assert event.actor_name == who


def test_the_command_acts_for_the_person_that_it_names(technology: Technology) -> None:
    user = make_staff()
    call_command(
        "technology_status",
        str(technology.project_id),
        "Kafka",
        "integrated",
        user=user.username,
        stdout=StringIO(),
    )
    assert Event.objects.get(type="technology.status_changed").actor_id == user.pk
    call_command("technology_status", technology.project.slug, "Kafka", "integrated", stdout=StringIO())
    assert Event.objects.filter(type="technology.status_changed").count() == 1, "nothing changed"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("nowhere", "Kafka", "archived"), "There is no project 'nowhere'"),
        (("9" * 30, "Kafka", "archived"), "There is no project"),
        (("{project}", "Rust", "archived"), "has no technology 'Rust'"),
        (("{project}", "Kafka", "gone"), "invalid choice: 'gone'"),
        (("{project}", "Kafka", "archived", "--user", "nobody"), "no active user 'nobody'"),
    ],
)
def test_the_command_says_what_is_wrong(technology: Technology, wrong: Any, said: str) -> None:
    arguments = [argument.format(project=technology.project.slug) for argument in wrong]
    with pytest.raises(CommandError, match=said):
        call_command("technology_status", *arguments)
    technology.refresh_from_db()
    assert technology.status == "evaluation"
