"""Pages by key: nothing twice, nothing missed, links both ways, the same number of queries on each page."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.accounts.tests.factories import api, make_staff, make_user
from commandcenter.core.pagination import Cursor, _decode
from commandcenter.inventory.models import Project
from commandcenter.inventory.tests.factories import make_project, make_technology

pytestmark = pytest.mark.django_db


def follow(client: Any, url: str, link: str) -> list[list[int]]:
    """Return the ids of each page along `next` or `previous`."""
    pages = []
    while url:
        answer = client.get(url).json()
        pages.append([row["id"] for row in answer["results"]])
        url = answer[link]
        assert len(pages) < 50
    return pages


def test_pages_run_newest_first_and_back_again() -> None:
    user = make_user()
    ids = [make_project(by=user).pk for _ in range(7)]
    client = api(user)
    forward = follow(client, "/api/v1/projects?limit=3", "next")
    assert forward == [ids[6:3:-1], ids[3:0:-1], ids[0:1]]
    last = client.get("/api/v1/projects?limit=3").json()
    while last["next"]:
        last = client.get(last["next"]).json()
    backward = follow(client, last["previous"], "previous")
    assert backward == [ids[3:0:-1], ids[6:3:-1]]


def test_rows_that_appear_or_vanish_shift_no_page() -> None:
    user = make_user()
    projects = [make_project(by=user) for _ in range(6)]
    client = api(user)
    first = client.get("/api/v1/projects?limit=2").json()
    make_project(by=user)
    projects[4].delete()
    second = client.get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == [projects[3].pk, projects[2].pk]


def test_links_keep_the_filters() -> None:
    staff = make_staff()
    project = make_project()
    for _ in range(3):
        make_technology(project, domain="database")
    make_technology(project, domain="language")
    client = api(staff)
    answer = client.get(
        f"/api/v1/technologies?domain=database&domain=data&project={project.pk}&limit=2"
    ).json()
    rest = client.get(answer["next"]).json()
    assert len(rest["results"]) == 1
    assert {row["domain"] for row in rest["results"]} == {"database"}
    assert rest["next"] is None


def test_first_and_last_page_have_no_link_beyond() -> None:
    user = make_user()
    make_project(by=user)
    answer = api(user).get("/api/v1/projects").json()
    assert (answer["next"], answer["previous"]) == (None, None)
    assert set(answer) == {"results", "next", "previous"}


def test_page_costs_the_same_queries_wherever_it_lies(django_assert_num_queries: Any) -> None:
    user = make_user()
    for _ in range(9):
        make_project(by=user)
    client = api(user)
    first = client.get("/api/v1/projects?limit=2").json()
    second = client.get(first["next"]).json()
    for url in ("/api/v1/projects?limit=9", first["next"], second["next"]):
        with django_assert_num_queries(2):  # the user of the session's cached row, and the page
            client.get(url)


@given(st.text(max_size=300))
def test_no_text_breaks_the_cursor(text: str) -> None:
    try:
        cursor = _decode(text, Project, ("-id",))
    except (ValueError, TypeError):
        return
    assert isinstance(cursor.values[0], int)


@given(st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1), st.booleans())
def test_cursor_comes_back_as_it_went(value: int, reverse: bool) -> None:
    assert _decode(Cursor((value,), reverse).encode(), Project, ("-id",)) == Cursor((value,), reverse)


def test_ordering_by_time_and_id_comes_back_with_time() -> None:
    project = make_project()
    text = Cursor((project.created_at, project.pk), reverse=False).encode()
    assert _decode(text, Project, ("-created_at", "-id")).values == (project.created_at, project.pk)
