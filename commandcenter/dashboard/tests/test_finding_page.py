"""The page of one finding: what it shows, what may be decided there, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.analysis.models import Finding
from commandcenter.analysis.tests.factories import analyse, file_row, finding, messages
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.dashboard.tests.conftest import World, signed_in

pytestmark = pytest.mark.django_db


def page(world: World, user: Any, name: str = "kept") -> str:
    chosen = Finding.objects.get(fingerprint=f"v1:{name}")
    response = signed_in(user).get(f"/findings/{chosen.pk}/")
    assert response.status_code == 200
    return str(response.content.decode())


def act(user: Any, chosen: Finding, action: str, /, **fields: str) -> Any:
    data = {f"{action}-{field}": value for field, value in fields.items()}
    return signed_in(user).post(f"/findings/{chosen.pk}/{action}/", data, follow=True)


def test_the_page_says_what_where_and_by_which_rule(world: World) -> None:
    content = page(world, world.viewer)
    for words in (
        "Possible hardcoded password in kept",
        "A password in the code can be read by everyone",
        "Read it from the environment.",
        "CWE-259",
        "Found for the first time",
    ):
        assert words in content
    assert "<textarea" not in content, "a viewer decides nothing"
    assert "<textarea" in page(world, world.operator)


def test_the_page_tells_the_story_of_a_finding(world: World) -> None:
    repository = world.repository
    moved = finding("moved", snippet="eval(x)")
    here, there = (file_row(path, blob="d" * 40) for path in ("src/moved.py", "src/there.py"))
    analyse(repository, messages([moved], files=[here]))
    analyse(repository, messages([finding("there", snippet="eval(x)")], files=[there]))
    content = page(world, world.viewer, "there")
    assert "Followed from src/moved.py:3" in content
    assert "Its file was renamed or moved." in content


def test_a_decision_is_made_and_taken_back(world: World) -> None:
    chosen = Finding.objects.get(fingerprint="v1:kept")
    content = act(world.operator, chosen, "suppress", kind="false_positive", reason="<b>A test key.</b>", expires="2999-01-31").content.decode()  # fmt: skip
    assert "The finding is suppressed." in content
    assert "Suppressed until 2999-01-31: false positive" in content
    assert "&lt;b&gt;A test key.&lt;/b&gt;" in content
    assert "<b>A test key" not in content
    again = act(world.operator, chosen, "suppress", kind="wont_fix", reason="Twice.").content.decode()
    assert "suppressed already" in again
    assert "The finding counts again." in act(world.operator, chosen, "reopen").content.decode()
    assert f"Assigned to {world.viewer.username}" in act(world.operator, chosen, "assign", user=str(world.viewer.pk)).content.decode()  # fmt: skip
    assert "Seen by the team." in act(world.operator, chosen, "comment", comment="Seen by the team.").content.decode()  # fmt: skip


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        ("suppress", {"kind": "wont_fix"}, "This field is required."),
        ("suppress", {"kind": "wont_fix", "reason": "x", "expires": "2001-01-01"}, "still to come"),
        ("suppress", {"kind": "tired", "reason": "x"}, "not one of the available choices"),
        ("assign", {"user": "999999"}, "not one of the available choices"),
        ("comment", {"comment": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(world: World, action: str, fields: Any, words: str) -> None:
    chosen = Finding.objects.get(fingerprint="v1:kept")
    response = act(world.operator, chosen, action, **fields)
    assert response.status_code == 400
    assert words in response.content.decode()
    assert not chosen.actions.exists()


def test_only_an_operator_decides_and_a_stranger_sees_nothing(world: World) -> None:
    chosen = Finding.objects.get(fingerprint="v1:kept")
    assert act(world.viewer, chosen, "comment", comment="x").status_code == 403
    assert act(world.stranger, chosen, "comment", comment="x").status_code == 404
    assert act(world.operator, chosen, "dance").status_code == 404
    assert signed_in(world.stranger).get(f"/findings/{chosen.pk}/").status_code == 404


def test_the_page_takes_a_bounded_number_of_queries(world: World, django_assert_max_num_queries: Any) -> None:
    chosen = Finding.objects.get(fingerprint="v1:kept")
    suppress([chosen.pk], by=world.operator, reason="x")
    client = signed_in(world.operator)
    with django_assert_max_num_queries(14):
        client.get(f"/findings/{chosen.pk}/")
