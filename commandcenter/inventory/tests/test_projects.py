"""Projects and their members."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from commandcenter.accounts.tests.factories import api, make_staff, make_token, make_user
from commandcenter.events.models import Event
from commandcenter.inventory.exceptions import LastAdmin
from commandcenter.inventory.flows.members import remove_member
from commandcenter.inventory.models import Membership, Project, Role, Technology
from commandcenter.inventory.tests.factories import (
    make_member,
    make_project,
    make_repository,
    make_technology,
)

pytestmark = pytest.mark.django_db
URL = "/api/v1/projects"


def test_maker_is_admin_and_the_slug_comes_from_the_name() -> None:
    user = make_user()
    response = api(user).post(URL, {"name": "Größe & Co", "description": "All of it"})
    assert response.status_code == 201
    answer = response.json()
    assert set(answer) == {"id", "name", "slug", "description", "role", "created_at", "updated_at"}
    assert (answer["name"], answer["slug"], answer["role"]) == ("Größe & Co", "groe-co", "admin")
    assert answer["created_at"].endswith("Z")
    assert Membership.objects.get(user=user).role == "admin"
    assert Event.objects.get(type="project.created").actor_id == user.pk


@pytest.mark.django_db(transaction=True)
def test_projects_of_one_name_may_be_made_at_the_same_time() -> None:
    _, text = make_token(scope="write")
    barrier = threading.Barrier(6)
    answers: list[int] = []

    def post() -> None:
        barrier.wait(timeout=20)
        answers.append(api(token=text).post(URL, {"name": "Same name"}).status_code)
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert answers == [201] * 6
    assert Project.objects.filter(name="Same name").values("slug").distinct().count() == 6


def test_slugs_stay_unique() -> None:
    client = api(make_user())
    slugs = [client.post(URL, {"name": "Same name"}).json()["slug"] for _ in range(3)]
    assert slugs == ["same-name", "same-name-2", "same-name-3"]
    assert client.post(URL, {"name": "日本"}).json()["slug"] == "project"
    taken = client.post(URL, {"name": "x", "slug": "same-name"})
    assert (taken.status_code, taken.json()["errors"][0]["code"]) == (400, "unique")
    assert len(client.post(URL, {"name": "long " * 40}).json()["slug"]) <= 80


def test_change_is_audited_with_before_and_after() -> None:
    user = make_user()
    project = make_project("Old", by=user)
    client = api(user)
    assert client.patch(f"{URL}/{project.pk}", {"name": "New"}).json()["name"] == "New"
    event = Event.objects.get(type="project.updated")
    assert (event.before, event.after) == ({"name": "Old"}, {"name": "New"})
    client.patch(f"{URL}/{project.pk}", {"name": "New"})
    assert Event.objects.filter(type="project.updated").count() == 1, "no change, no event"


def test_deleting_takes_everything_along_but_the_events() -> None:
    user = make_user()
    project = make_project(by=user)
    make_repository(project)
    assert api(user).delete(f"{URL}/{project.pk}").status_code == 204
    assert not Project.objects.exists()
    assert Event.objects.filter(project_id=project.pk).count() == 3


def test_role_shown_is_the_callers_own() -> None:
    project = make_project()
    viewer = make_member(project, "viewer").user
    assert api(viewer).get(f"{URL}/{project.pk}").json()["role"] == "viewer"
    assert api(make_staff()).get(f"{URL}/{project.pk}").json()["role"] == "admin"


def test_list_costs_the_same_for_many(django_assert_num_queries: Any) -> None:
    user = make_user()
    for _ in range(12):
        make_project(by=user)
    client = api(user)
    client.get(URL)
    for limit in (1, 12):
        with django_assert_num_queries(2):
            client.get(f"{URL}?limit={limit}")


def test_search_finds_parts_of_names() -> None:
    user = make_user()
    make_project("Payments", by=user)
    make_project("Billing 100%", by=user)
    client = api(user)
    assert [row["name"] for row in client.get(f"{URL}?search=PAY").json()["results"]] == ["Payments"]
    assert [row["name"] for row in client.get(f"{URL}?search=%25").json()["results"]] == ["Billing 100%"]


def test_members_are_added_by_id_or_name_changed_and_removed() -> None:
    admin, by_id, by_name = make_user(), make_user(), make_user()
    project = make_project(by=admin)
    client = api(admin)
    members = f"{URL}/{project.pk}/members"
    first = client.post(members, {"user": by_id.pk, "role": "viewer"})
    assert first.status_code == 201
    assert set(first.json()) == {"user", "username", "role", "created_at", "updated_at"}
    assert (
        client.post(members, {"username": by_name.username, "role": "operator"}).json()["user"] == by_name.pk
    )
    assert client.patch(f"{members}/{by_id.pk}", {"role": "admin"}).json()["role"] == "admin"
    assert client.delete(f"{members}/{by_name.pk}").status_code == 204
    assert client.get(f"{members}/{by_name.pk}").status_code == 404
    shown = {row["username"]: row["role"] for row in client.get(members).json()["results"]}
    assert shown == {admin.username: "admin", by_id.username: "admin"}
    types = list(
        Event.objects.filter(type__startswith="member.").order_by("id").values_list("type", flat=True)
    )
    assert types == ["member.added", "member.added", "member.changed", "member.removed"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "viewer"}, "user"),
        ({"user": 987_654_321, "role": "viewer"}, "user"),
        ({"user": 2**70, "role": "viewer"}, "user"),
        ({"user": "x", "role": "viewer"}, "user"),
        ({"username": "nobody", "role": "viewer"}, "username"),
        ({"username": "a\ud800".encode("utf-8", "replace").decode(), "role": "viewer"}, "username"),
        ({"username": "ada", "role": "owner"}, "role"),
        ({"username": "ada"}, "role"),
        ({"username": "ada", "role": None}, "role"),
    ],
)
def test_bad_members_are_named(body: dict[str, Any], field: str) -> None:
    admin = make_user()
    make_user("ada")
    response = api(admin).post(f"{URL}/{make_project(by=admin).pk}/members", body)
    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == {field}


def test_second_role_for_the_same_person_is_409() -> None:
    admin = make_user()
    project = make_project(by=admin)
    response = api(admin).post(f"{URL}/{project.pk}/members", {"user": admin.pk, "role": "viewer"})
    assert (response.status_code, response.json()["code"]) == (409, "already_member")


@pytest.mark.parametrize("method", ["delete", "patch"])
def test_last_admin_stays_unless_staff_decides(method: str) -> None:
    admin = make_user()
    project = make_project(by=admin)
    url = f"{URL}/{project.pk}/members/{admin.pk}"
    refused = getattr(api(admin), method)(url, {"role": "viewer"})
    assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
    assert getattr(api(make_staff()), method)(url, {"role": "viewer"}).status_code in {200, 204}


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_remove_each_other_leave_one() -> None:
    one, two = make_user(), make_user()
    project = make_project(by=one)
    make_member(project, Role.ADMIN, two)
    barrier = threading.Barrier(2)
    outcomes: list[str] = []

    def remove(by: Any, whom: Any) -> None:
        try:
            membership = Membership.objects.select_related("user").get(project=project, user=whom)
            barrier.wait(timeout=20)
            remove_member(membership, by=by)
            outcomes.append("removed")
        except LastAdmin:
            outcomes.append("kept")
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["kept", "removed"]
    assert Membership.objects.filter(project=project, role="admin").count() == 1


def test_members_cost_the_same_for_many(django_assert_num_queries: Any) -> None:
    project = make_project()
    for _ in range(8):
        make_member(project)
    client = api(token=make_token(make_staff())[1])
    url = f"{URL}/{project.pk}/members"
    client.get(url)
    for limit in (1, 8):
        with django_assert_num_queries(3):  # token, project, page
            client.get(f"{url}?limit={limit}")


@pytest.mark.django_db(transaction=True)
def test_deletion_survives_a_deadlock_with_somebody_who_adds_to_the_project() -> None:
    """The deletion waits for the locked technology, the other transaction for the project: one has to give way."""
    project = make_project()
    technology = make_technology(project)
    locked, may_add = threading.Event(), threading.Event()

    def add() -> None:
        try:
            with transaction.atomic():
                Technology.objects.select_for_update().get(pk=technology.pk)
                locked.set()
                may_add.wait(timeout=20)
                Technology.objects.create(project_id=project.pk, name="late")
        except DatabaseError:
            pass  # PostgreSQL chose this one
        finally:
            connection.close()

    def release() -> None:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        with connection.cursor() as cursor:
            for _ in range(400):
                cursor.execute(waiting)
                if cursor.fetchone() != (0,):
                    break
                time.sleep(0.02)
        may_add.set()
        connection.close()

    threads = [threading.Thread(target=add), threading.Thread(target=release)]
    threads[0].start()
    assert locked.wait(timeout=20)
    threads[1].start()
    response = api(make_staff()).delete(f"{URL}/{project.pk}")
    for thread in threads:
        thread.join(timeout=60)
    assert response.status_code == 204
    assert not Project.objects.filter(pk=project.pk).exists()
