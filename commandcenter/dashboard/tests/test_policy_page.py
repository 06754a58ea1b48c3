"""The page of a project's policy: who sees and changes it, and that bad input loses nothing."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.models import Policy
from commandcenter.analysis.policy import again, flows
from commandcenter.analysis.tests.factories import analyse, finding, messages
from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.models import Role
from commandcenter.inventory.tests.factories import make_member, make_repository

CRITICAL = {"metric": "findings", "severity_at_least": "critical", "at_most": 0}


def posted(*rows: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A form as a browser sends it."""
    data: dict[str, Any] = {
        "name": "Gate", "enabled": "on", "conditions-TOTAL_FORMS": len(rows), "conditions-INITIAL_FORMS": 0, **fields,
    }  # fmt: skip
    for index, row in enumerate(rows):
        data |= {f"conditions-{index}-{name}": value for name, value in row.items()}
    return data


def test_an_admin_makes_and_edits_the_policy(world: World) -> None:
    client, path = signed_in(world.staff), f"/projects/{world.project.pk}/policy/"
    assert "No policy yet" in client.get(path).content.decode()
    rows = [
        {"metric": "new_findings", "value": "0", "severity": "high", "enabled": "on"},
        {"metric": ""},
        {"metric": "denied_licences", "value": "0", "items": "GPL-3.0-only, AGPL-3.0-only", "enabled": "on"},
        {"metric": "lock_file_coverage", "value": "0.5", "name": "Locks"},
    ]
    assert client.post(path, posted(*rows)).status_code == 302
    policy = Policy.objects.get()
    assert [(c["metric"], c["value"], c["enabled"]) for c in policy.conditions] == [
        ("new_findings", 0, True),
        ("denied_licences", 0, True),
        ("lock_file_coverage", 0.5, False),
    ]
    assert policy.conditions[1]["licences"] == ["GPL-3.0-only", "AGPL-3.0-only"]
    shown = client.get(path).content.decode()
    assert 'value="GPL-3.0-only, AGPL-3.0-only"' in shown
    assert client.post(path, posted(rows[0], name="Stricter", unknown_fails="on")).status_code == 302
    policy.refresh_from_db()
    assert (policy.name, policy.unknown_fails, len(policy.conditions)) == ("Stricter", True, 1)


def test_bad_input_is_said_at_its_field_and_nothing_is_lost(world: World) -> None:
    client, path = signed_in(world.staff), f"/projects/{world.project.pk}/policy/"
    answer = client.post(
        path,
        posted(
            {"metric": "findings", "value": "1.5", "name": "kept words"},
            {"metric": "denied_licences", "value": "0"},
            {"metric": "bus_factor", "value": ""},
        ),
    )
    content = answer.content.decode()
    assert answer.status_code == 400
    assert "The limit of findings is a whole number from 0." in content
    assert "Name the licences that are meant." in content
    assert "Give a limit, such as at_least: 0." in content
    assert "kept words" in content
    assert not Policy.objects.exists()
    assert client.post(path, {"name": "x"}).status_code == 400


def test_members_read_it_and_only_admins_write_it(world: World) -> None:
    flows.create_policy(by=None, project=world.project, name="Gate", conditions=[CRITICAL])
    path = f"/projects/{world.project.pk}/policy/"
    admin = make_member(world.project, Role.ADMIN).user
    for user, expected in ((world.viewer, 403), (world.operator, 403), (admin, 302)):
        client = signed_in(user)
        assert (
            "Open findings of severity critical: at most 0" in client.get(path).content.decode()
            or user == admin
        )
        assert client.post(path, posted()).status_code == expected
    assert signed_in(world.stranger).get(path).status_code == 404
    assert signed_in(world.viewer).post(f"{path}judge/").status_code == 403


def test_the_page_shows_how_default_branches_stand_in_few_queries(world: World) -> None:
    policy = flows.create_policy(by=None, project=world.project, name="Gate", conditions=[CRITICAL])
    for number in range(3):
        analyse(
            make_repository(world.project, name=f"more-{number}"),
            messages([finding("x", severity="critical")]),
        )
    again.judge_again(policy.project_id, 0)
    client = signed_in(world.viewer)
    with CaptureQueriesContext(connection) as queries:
        content = client.get(f"/projects/{world.project.pk}/policy/").content.decode()
    assert content.count("Failed") == 4
    assert len(queries) <= 12


def test_the_analysis_shows_its_verdict(world: World) -> None:
    policy = flows.create_policy(
        by=None, project=world.project, name="Gate", conditions=[CRITICAL, {"metric": "gaps", "at_most": 0}]
    )
    client, path = signed_in(world.viewer), f"/analyses/{world.analysis.pk}/"
    assert "Policy “Gate”" not in client.get(path).content.decode()
    again.judge_again(policy.project_id, 0)
    content = client.get(path).content.decode()
    assert "Policy “Gate”" in content
    assert f'href="/analyses/{world.analysis.pk}/findings/?severity=critical"' in content
    assert "Unknown" in content


def test_asking_to_judge_again_goes_through_the_page(world: World) -> None:
    flows.create_policy(by=None, project=world.project, name="Gate", conditions=[CRITICAL])
    answer = signed_in(world.operator).post(f"/projects/{world.project.pk}/policy/judge/", follow=True)
    assert "1 latest analysis is judged again" in answer.content.decode()
