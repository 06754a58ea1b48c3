"""The radar and drift as pages: the picture says what the table says, and people decide from there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.tests.factories import analyse, dependency_row, messages, technology_row
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.events.models import Event
from commandcenter.inventory.models import Technology
from commandcenter.inventory.tests.factories import (
    make_member,
    make_project,
    make_repository,
    make_technology,
)

pytestmark = pytest.mark.django_db
RADAR, DRIFT, NEW = "/technologies/radar/", "/technologies/drift/", "/technologies/new/"


@pytest.fixture
def spread(world: World) -> World:
    """Django in two majors on hold, Flask that nobody decided about, Redis adopted and not in use."""
    for version in ("4.2", "5.2"):
        analyse(
            make_repository(world.project),
            messages(
                technologies=[technology_row("Django", version=version), technology_row("Flask")],
                dependencies=[dependency_row("lodash", version)],
            ),
        )
    Technology.objects.filter(pk=world.technology.pk).update(status="archived", domain="framework")
    make_technology(world.project, name="redis", domain="database", status="integrated")
    make_technology(world.project, name="Our own gateway", domain="infrastructure", status="research")
    return world


def test_the_picture_and_the_table_say_the_same(spread: World) -> None:
    content = signed_in(spread.viewer).get(RADAR).content.decode()
    labels = re.findall(r'<a href="[^"]+" aria-label="([^"]+)"><title>', content)
    assert labels == [
        "1. Django: Hold, still used by 3 repositories",
        "2. redis: Adopt, not in use",
        "3. Our own gateway: Assess, use unknown",
    ]
    numbers = re.findall(r'<td class="num number" data-label="No.">(\d+)</td>', content)
    assert numbers == ["1", "2", "3"]
    assert "On hold and still in use" in content
    assert " style=" not in content


def test_decisions_that_projects_share_are_one_blip_and_others_are_not(spread: World) -> None:
    other = make_project("Shipping")
    make_technology(other, name="DJANGO", domain="framework", status="archived")
    make_technology(other, name="Redis", domain="database", status="archived")
    client = signed_in(spread.staff)
    shown = client.get(RADAR).context["decisions"]
    assert [(row.name.lower(), row.ring.value, len(row.entries)) for row in shown] == [
        ("django", "hold", 2),
        ("redis", "adopt", 1),
        ("redis", "hold", 1),
        ("our own gateway", "assess", 1),
    ]
    assert [row.name for row in client.get(RADAR, {"project": other.pk}).context["decisions"]] == [
        "DJANGO",
        "Redis",
    ]


def test_blips_lie_in_their_ring_and_sector_and_never_on_each_other(world: World) -> None:
    for number in range(30):
        make_technology(world.project, name=f"Framework {number}", domain="framework", status="research")
    picture = signed_in(world.viewer).get(RADAR).context["picture"]
    assert len(picture["blips"]) + picture["missing"] == 31, "with the one of the fixture"
    places = [(blip.x, blip.y) for blip in picture["blips"] if blip.decision.name != "Django"]
    assert picture["missing"] > 0
    for x, y in places:
        assert x < 0 > y, "frameworks are in the upper left quarter"
        assert 122 < (x * x + y * y) ** 0.5 < 158
    pairs = [(a, b) for n, a in enumerate(places) for b in places[n + 1 :]]
    assert min((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 for a, b in pairs) >= (2 * picture["blip"]) ** 2


def test_drift_lists_what_parts(spread: World) -> None:
    context = signed_in(spread.viewer).get(DRIFT).context["drift"]
    assert [row.technology.name for row in context.retired.rows] == ["Django"]
    assert [row.name for row in context.unlisted.rows] == ["Flask"]
    assert [row.technology.name for row in context.unused.rows] == ["redis"]
    assert [row.name for row in context.technologies.rows] == ["Django"]
    assert [row.name for row in context.packages.rows] == ["lodash"]


def test_what_is_not_on_the_radar_can_be_put_there(spread: World) -> None:
    client = signed_in(spread.operator)
    content = client.get(DRIFT).content.decode()
    (link,) = re.findall(r'href="(/technologies/new/\?[^"]+)"', content)
    assert link not in signed_in(spread.viewer).get(DRIFT).content.decode()
    form = client.get(link.replace("&amp;", "&")).context["form"]
    values = {name: form[name].value() for name in form.fields}
    assert (values["project"], values["name"], values["domain"]) == (spread.project.pk, "Flask", "framework")
    answer = client.post(NEW, {name: "" if value is None else value for name, value in values.items()})
    technology = Technology.objects.get(name="Flask")
    assert answer["Location"] == f"/technologies/{technology.pk}/"
    event = Event.objects.get(type="technology.created", subject_id=technology.pk)
    assert event.actor_name == spread.operator.username
    assert [row.name for row in client.get(DRIFT).context["drift"].unlisted.rows] == []


def test_a_new_status_is_announced_with_what_it_was(world: World) -> None:
    client, path = signed_in(world.operator), f"/technologies/{world.technology.pk}/edit/"
    values = {name: field.value() for name, field in _fields(client.get(path).context["form"])}
    assert client.post(path, {**values, "status": "archived"}).status_code == 302
    event = Event.objects.get(type="technology.status_changed")
    assert (event.before, event.after) == ({"status": "discovery"}, {"status": "archived"})
    assert event.actor_name == world.operator.username
    content = client.get(f"/technologies/{world.technology.pk}/").content.decode()
    assert "Archived and still in use" in content


def _fields(form: Any) -> list[tuple[str, Any]]:
    return [(name, form[name]) for name in form.fields]


def test_a_technology_shows_the_versions_in_use_and_who_uses_them(spread: World) -> None:
    context = signed_in(spread.viewer).get(f"/technologies/{spread.technology.pk}/").context
    assert [(use["version"], use["repositories"]) for use in context["versions"]] == [
        ("4.2", 1),
        ("5.2", 1),
        (None, 1),
    ]
    names = [use.repository_name for use in context["uses"]]
    assert (len(names), names[0]) == (3, "ledger")


def test_an_analysis_says_what_was_decided_about_what_it_found(spread: World) -> None:
    content = signed_in(spread.viewer).get(f"/analyses/{spread.analysis.pk}/technologies/").content.decode()
    assert re.search(r"Django</a></td>.*?Archived</span>", content, re.DOTALL)


def test_who_may_not_change_the_radar(world: World) -> None:
    edit = f"/technologies/{world.technology.pk}/edit/"
    values = {"project": world.project.pk, "name": "x", "domain": "other", "status": "research"}
    values |= {"priority": 3, "relevance_score": 50}
    assert signed_in(world.viewer).get(edit).status_code == 403
    assert signed_in(world.viewer).post(NEW, values).status_code == 403
    assert signed_in(world.stranger).get(edit).status_code == 404
    assert signed_in(world.stranger).post(NEW, values).status_code == 400
    for path in (RADAR, DRIFT):
        assert signed_in(world.stranger).get(path, {"project": world.project.pk}).status_code == 404
        assert "Django" not in signed_in(world.stranger).get(path).content.decode()
    assert not Technology.objects.filter(name="x").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "Django"},
        {"name": "x\0"},
        {"status": "gone"},
        {"priority": 9},
        {"relevance_score": "x"},
    ],
)
def test_bad_values_are_said_at_their_field(world: World, wrong: dict[str, Any]) -> None:
    values = {"project": world.project.pk, "name": "x", "domain": "other", "status": "research"}
    values |= {"priority": 3, "relevance_score": 50, **wrong}
    answer = signed_in(world.operator).post(NEW, values)
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == list(wrong)


def test_queries_that_make_no_sense_do_no_harm(world: World) -> None:
    client = signed_in(world.operator)
    for path in (RADAR, DRIFT, NEW, "/technologies/uses/"):
        assert client.get(f"{path}?project=x&name=%00&domain=no").status_code == 200


@pytest.mark.parametrize("path", [RADAR, DRIFT])
def test_the_pages_cost_the_same_however_much_there_is(world: World, path: str) -> None:
    client = signed_in(world.operator)

    def cost() -> int:
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    analyse(make_repository(world.project), messages(technologies=[technology_row("Flask")]))
    few = cost()
    for number in range(4):
        project = make_member(make_project(), "operator", user=world.operator).project
        said = [technology_row("Django", version=f"{number}.1"), technology_row(f"Own {number}")]
        analyse(make_repository(project), messages(technologies=said))
        make_technology(project, name="Django", status="archived")
        make_technology(project, name="Redis", status="integrated")
    assert cost() == few <= 16


def test_who_uses_what_nobody_decided_about_is_one_click_from_drift(spread: World) -> None:
    client = signed_in(spread.viewer)
    content = client.get(DRIFT).content.decode()
    assert 'href="/technologies/uses/?name=Flask"' in content
    shown = client.get("/technologies/uses/", {"name": "django"})
    assert [(use["version"], use["repositories"]) for use in shown.context["versions"]] == [
        ("4.2", 1),
        ("5.2", 1),
        (None, 1),
    ]
    assert len(shown.context["page"].rows) == 3
    for version, found in (("4.2", "4.2"), ("-", None)):
        narrowed = client.get("/technologies/uses/", {"name": "django", "version": version})
        assert [row.version for row in narrowed.context["page"].rows] == [found]
    assert "Name a technology" in client.get("/technologies/uses/").content.decode()
    stranger = signed_in(spread.stranger)
    assert "Nobody uses it" in stranger.get("/technologies/uses/", {"name": "django"}).content.decode()
    assert stranger.get(f"/technologies/uses/?name=x&project={spread.project.pk}").status_code == 404
