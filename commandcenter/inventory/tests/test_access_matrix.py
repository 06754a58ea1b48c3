"""Role by role, own and foreign: who may call what. A foreign object does not exist, in paths and in bodies alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.accounts.tests.factories import api, make_staff, make_user
from commandcenter.inventory.models import Project, Repository, Technology
from commandcenter.inventory.tests.factories import (
    make_member,
    make_project,
    make_repository,
    make_technology,
)

pytestmark = pytest.mark.django_db
ROLES = ["viewer", "operator", "admin", "staff", "foreign", "anonymous"]

# call -> the code for each of ROLES
MATRIX: dict[str, list[int]] = {
    "GET projects/{project}": [200, 200, 200, 200, 404, 401],
    "PATCH projects/{project}": [403, 403, 200, 200, 404, 401],
    "PUT projects/{project}": [403, 403, 200, 200, 404, 401],
    "DELETE projects/{project}": [403, 403, 204, 204, 404, 401],
    "POST projects": [201, 201, 201, 201, 201, 401],
    "GET projects/{project}/members": [200, 200, 200, 200, 404, 401],
    "POST projects/{project}/members": [403, 403, 201, 201, 404, 401],
    "GET projects/{project}/members/{member}": [200, 200, 200, 200, 404, 401],
    "PATCH projects/{project}/members/{member}": [403, 403, 200, 200, 404, 401],
    "PUT projects/{project}/members/{member}": [403, 403, 200, 200, 404, 401],
    "DELETE projects/{project}/members/{member}": [403, 403, 204, 204, 404, 401],
    "GET repositories": [200, 200, 200, 200, 200, 401],
    "GET repositories/{repository}": [200, 200, 200, 200, 404, 401],
    "POST repositories": [403, 201, 201, 201, 400, 401],
    "PATCH repositories/{repository}": [403, 200, 200, 200, 404, 401],
    "PUT repositories/{repository}": [403, 200, 200, 200, 404, 401],
    "DELETE repositories/{repository}": [403, 204, 204, 204, 404, 401],
    "GET technologies": [200, 200, 200, 200, 200, 401],
    "GET technologies/{technology}": [200, 200, 200, 200, 404, 401],
    "POST technologies": [403, 201, 201, 201, 400, 401],
    "PATCH technologies/{technology}": [403, 200, 200, 200, 404, 401],
    "PUT technologies/{technology}": [403, 200, 200, 200, 404, 401],
    "DELETE technologies/{technology}": [403, 204, 204, 204, 404, 401],
}


@dataclass
class World:
    """One project with something of everything."""

    project: Project
    repository: Repository
    technology: Technology
    member: int
    newcomer: int

    def path(self, template: str) -> str:
        filled = template.format(
            project=self.project.pk,
            repository=self.repository.pk,
            technology=self.technology.pk,
            member=self.member,
        )
        return f"/api/v1/{filled}"

    def body(self, method: str, template: str) -> dict[str, Any]:
        if method in {"GET", "DELETE"}:
            return {}
        if "members" in template:
            return {"role": "operator"} | ({"user": self.newcomer} if method == "POST" else {})
        if template.startswith("projects"):
            return {"name": "Changed", "slug": "changed"}
        changed = (
            {"name": "changed"} if method == "PATCH" else {"name": "changed", "project": self.project.pk}
        )
        if template.startswith("repositories") and method != "PATCH":
            changed["source"] = "https://git.example.com/changed.git"
        return changed


def make_world() -> World:
    project = make_project(by=make_user())
    return World(
        project,
        make_repository(project),
        make_technology(project),
        make_member(project).user_id,
        make_user().pk,
    )


def client_of(role: str, project: Project) -> APIClient:
    if role == "anonymous":
        return api()
    if role == "staff":
        return api(make_staff())
    if role == "foreign":
        return api(make_member(make_project(), "admin").user)
    return api(make_member(project, role).user)


@pytest.mark.parametrize("call", MATRIX)
@pytest.mark.parametrize("role", ROLES)
def test_call_by_role(call: str, role: str) -> None:
    world = make_world()
    method, template = call.split(" ")
    client = client_of(role, world.project)
    response = getattr(client, method.lower())(world.path(template), world.body(method, template))
    assert response.status_code == MATRIX[call][ROLES.index(role)], response.content


@pytest.mark.parametrize("resource", ["projects", "repositories", "technologies"])
def test_lists_hold_only_what_one_may_see(resource: str) -> None:
    world, other = make_world(), make_world()
    user = make_member(world.project).user
    shown = api(user).get(f"/api/v1/{resource}").json()["results"]
    assert len(shown) == 1
    everything = api(make_staff()).get(f"/api/v1/{resource}").json()["results"]
    assert len(everything) == 2
    if resource != "projects":
        assert api(user).get(f"/api/v1/{resource}?project={other.project.pk}").json()["results"] == []


@pytest.mark.parametrize("resource", ["repositories", "technologies"])
def test_foreign_project_in_a_body_reads_like_a_missing_one(resource: str) -> None:
    world, other = make_world(), make_world()
    client = client_of("operator", world.project)
    body = {"name": "x", "source": "https://git.example.com/x.git"}
    foreign = client.post(f"/api/v1/{resource}", {**body, "project": other.project.pk})
    missing = client.post(f"/api/v1/{resource}", {**body, "project": 987_654_321})
    assert (foreign.status_code, missing.status_code) == (400, 400)
    assert foreign.json()["errors"] == missing.json()["errors"]


@pytest.mark.parametrize("resource", ["repositories", "technologies"])
def test_objects_do_not_move_between_projects(resource: str) -> None:
    world = make_world()
    second = make_project()
    user = make_member(world.project, "admin").user
    make_member(second, "admin", user)
    pk = world.repository.pk if resource == "repositories" else world.technology.pk
    response = api(user).patch(f"/api/v1/{resource}/{pk}", {"project": second.pk})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "project"


def test_withdrawn_role_ends_at_once() -> None:
    project = make_project()
    member = make_member(project, "viewer")
    client = api(member.user)
    assert client.get(f"/api/v1/projects/{project.pk}").status_code == 200
    member.delete()
    assert client.get(f"/api/v1/projects/{project.pk}").status_code == 404
