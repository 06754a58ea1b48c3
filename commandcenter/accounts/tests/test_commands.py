"""createtoken and ensure_admin: what they print, and what they refuse."""

from __future__ import annotations

import io
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from commandcenter.accounts.first_admin import FirstAdmin, ensure_admin
from commandcenter.accounts.models import ApiToken, User
from commandcenter.accounts.tests.factories import api, make_user
from commandcenter.accounts.tokens import well_formed
from commandcenter.inventory.tests.factories import make_project


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
def test_createtoken_prints_the_token_alone_and_it_works() -> None:
    user = make_user()
    one, two = make_project(by=user, slug="one"), make_project(by=user)
    make_project(by=user)
    printed = run(
        "createtoken", user.username, "--name", "ci", "--scope", "write",
        "--project", "one", "--project", str(two.pk), "--expires", "12h",
    )  # fmt: skip
    assert printed.count("\n") == 1
    assert well_formed(printed.strip())
    token = ApiToken.objects.get()
    assert (token.name, token.scope, token.project_ids) == ("ci", "write", sorted([one.pk, two.pk]))
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(hours=12)) < timedelta(minutes=1)
    rows = api(token=printed.strip()).get("/api/v1/projects").json()["results"]
    assert {row["id"] for row in rows} == {one.pk, two.pk}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody", "--name", "x"],
        ["ada", "--name", " "],
        ["ada", "--name", "x" * 101],
        ["ada", "--name", "x", "--scope", "root"],
        ["ada", "--name", "x", "--project", "missing"],
        ["ada", "--name", "x", "--project", "99999999999999999999999"],
        ["ada", "--name", "x", "--expires", "soon"],
        ["ada", "--name", "x", "--expires", "0d"],
        ["ada", "--name", "x", "--expires", "99999d"],
        ["ada"],
    ],
)
def test_createtoken_refuses_with_a_sentence(arguments: list[str]) -> None:
    make_user("ada")
    with pytest.raises(CommandError, match=r"\w"):
        run("createtoken", *arguments)
    assert not ApiToken.objects.exists()


@pytest.mark.django_db
def test_first_administrator_is_made_once_with_a_random_password(monkeypatch: Any) -> None:
    monkeypatch.delenv("CC_ADMIN_USER", raising=False)
    monkeypatch.delenv("CC_ADMIN_PASSWORD", raising=False)
    report = json.loads(run("ensure_admin"))
    assert (report["created"], report["username"]) == (True, "admin")
    assert len(report["password"]) >= 20
    admin = User.objects.get(username="admin")
    assert admin.is_staff
    assert admin.is_superuser
    assert admin.check_password(report["password"])
    assert json.loads(run("ensure_admin")) == {"created": False, "username": "admin", "password": None}


@pytest.mark.django_db
def test_first_administrator_comes_from_the_environment(monkeypatch: Any) -> None:
    monkeypatch.setenv("CC_ADMIN_USER", "root")
    monkeypatch.setenv("CC_ADMIN_PASSWORD", "as you like it")
    assert json.loads(run("ensure_admin"))["username"] == "root"
    assert User.objects.get(username="root").check_password("as you like it")


@pytest.mark.django_db
def test_an_administrator_who_can_no_longer_sign_in_is_replaced() -> None:
    ensure_admin()
    User.objects.update(is_active=False)
    assert ensure_admin().created


@pytest.mark.django_db(transaction=True)
def test_processes_that_start_together_make_one() -> None:
    made: list[FirstAdmin] = []

    def start(name: str) -> None:
        try:
            made.append(ensure_admin(name))
        finally:
            connection.close()

    threads = [threading.Thread(target=start, args=[f"admin{n}"]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(each.created for each in made) == [False, False, False, True]
    assert User.objects.filter(is_superuser=True).count() == 1
