"""Repositories: sources, tags, and credentials that go in and never come out."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api, make_token
from commandcenter.core.models import IdempotencyKey
from commandcenter.events.models import Event
from commandcenter.inventory.credentials import Credentials, same_place, take_from_url
from commandcenter.inventory.exceptions import InvalidCredentials
from commandcenter.inventory.models import Repository
from commandcenter.inventory.tests.factories import make_member, make_project, make_repository

URL = "/api/v1/repositories"
SOURCE = "https://git.example.com/team/billing.git"
SECRET = "hunter2-very-secret"
SHAPE = {
    "id",
    "project",
    "name",
    "source",
    "default_branch",
    "has_credentials",
    "tags",
    "created_at",
    "updated_at",
}


@pytest.fixture
def project(db: None) -> Any:
    return make_project()


@pytest.fixture
def client(project: Any) -> Any:
    return api(make_member(project, "operator").user)


def stored(pk: int) -> tuple[str, str | None]:
    repository = Repository.objects.get(pk=pk)
    return repository.credential_username, repository.credential_secret


def test_repository_is_registered_and_shown(client: Any, project: Any) -> None:
    body = {
        "project": project.pk,
        "name": "billing",
        "source": SOURCE,
        "default_branch": "main",
        "tags": ["a", "b", "a"],
    }
    response = client.post(URL, body)
    assert response.status_code == 201
    answer = response.json()
    assert set(answer) == SHAPE
    assert {name: answer[name] for name in body} == {**body, "tags": ["a", "b"]}
    assert answer["has_credentials"] is False
    assert response["Location"].endswith(f"{URL}/{answer['id']}")
    assert client.get(response["Location"]).json() == answer
    event = Event.objects.get(type="repository.created")
    assert event.data["repository"] == answer["id"]


def test_source_may_repeat_and_a_name_may_not(client: Any, project: Any) -> None:
    first = {"project": project.pk, "name": "one", "source": SOURCE}
    assert client.post(URL, first).status_code == 201
    assert client.post(URL, {**first, "name": "two"}).status_code == 201
    again = client.post(URL, first)
    assert (again.status_code, again.json()["errors"][0]["code"]) == (400, "unique")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (SECRET, ("", SECRET)),
        ({"username": "ci", "password": SECRET}, ("ci", SECRET)),
        ({"token": SECRET}, ("", SECRET)),
        ({"username": "x", "secret": SECRET}, ("x", SECRET)),
        ({}, ("", None)),
        (None, ("", None)),
    ],
)
def test_credentials_are_taken_in_each_form_and_never_shown(
    client: Any, project: Any, given: Any, expected: Any
) -> None:
    body = {"project": project.pk, "name": "x", "source": SOURCE, "credentials": given}
    response = client.post(URL, body, HTTP_IDEMPOTENCY_KEY="k")
    assert response.status_code == 201
    assert stored(response.json()["id"]) == expected
    assert response.json()["has_credentials"] is (expected[1] is not None)
    everything = str(
        [client.get(URL).content, list(Event.objects.values()), list(IdempotencyKey.objects.values())]
    )
    assert SECRET not in everything


@pytest.mark.parametrize(
    "given",
    [
        1,
        True,
        [],
        ["x"],
        {"username": "ci"},
        {"user": "ci", "password": "x"},
        {"password": "x", "token": "y"},
        {"password": 5},
        {"username": ["x"], "password": "x"},
        {"password": "two\nlines"},
        {"username": "a\rb", "password": "x"},
        {"password": "x" * 10_001},
        {"username": "x" * 256, "password": "x"},
    ],
)
def test_credentials_of_another_shape_are_refused(client: Any, project: Any, given: Any) -> None:
    response = client.post(URL, {"project": project.pk, "name": "x", "source": SOURCE, "credentials": given})
    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == {"credentials"}


KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"


def test_private_key_for_ssh_has_several_lines(client: Any, project: Any) -> None:
    body = {"project": project.pk, "name": "x", "source": "git@git.example.com:a/b.git", "credentials": KEY}
    assert stored(client.post(URL, body).json()["id"]) == ("", KEY)
    for other in (KEY + "and more", KEY.replace("AAAA", "AAAA\x00"), KEY.replace("BEGIN", "START")):
        response = client.post(URL, {**body, "name": "y", "credentials": other})
        assert response.status_code == 400


@pytest.mark.parametrize("name", ["main", "feature/x", "release-1.2", "ünïcode", "v1@2", ""])
def test_branch_that_git_takes(client: Any, project: Any, name: str) -> None:
    body = {"project": project.pk, "name": "x", "source": SOURCE, "default_branch": name}
    assert client.post(URL, body).json()["default_branch"] == name


@pytest.mark.parametrize(
    "name",
    ["-x", "--upload-pack=x", "a b", "a..b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a.lock", "a/.b", "/a", "a/",
     "a.", "a//b", "a@{1}", "@", "a\x7fb", "a\nb", "x" * 256],
)  # fmt: skip
def test_branch_that_git_refuses_is_400(client: Any, project: Any, name: str) -> None:
    body = {"project": project.pk, "name": "x", "source": SOURCE, "default_branch": name}
    response = client.post(URL, body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "default_branch"


def test_change_of_something_else_keeps_credentials(client: Any, project: Any) -> None:
    pk = make_repository(project, credentials={"username": "ci", "password": SECRET}).pk
    answer = client.patch(f"{URL}/{pk}", {"name": "renamed"}).json()
    assert answer["has_credentials"] is True
    assert stored(pk) == ("ci", SECRET)
    client.put(
        f"{URL}/{pk}",
        {"project": project.pk, "name": "again", "source": Repository.objects.get(pk=pk).source},
    )
    assert stored(pk) == ("ci", SECRET)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("https://git.example.com/other/path.git", True),
        ("https://GIT.example.com/other/path.git", True),
        ("https://evil.example/team/billing.git", False),
        ("https://git.example.com:8443/team/billing.git", False),
        ("http://git.example.com/team/billing.git", False),
        ("https://git.example.com@evil.example/x.git", False),
        ("git@git.example.com:team/billing.git", False),
        ("/srv/git/billing", False),
    ],
)
def test_credentials_do_not_follow_a_source_to_another_host(
    client: Any, project: Any, source: str, kept: bool
) -> None:
    pk = make_repository(project, source=SOURCE, credentials=SECRET).pk
    assert client.patch(f"{URL}/{pk}", {"source": source}).status_code == 200
    assert (stored(pk)[1] == SECRET) is kept


def test_credentials_sent_along_are_stored_for_the_new_host(client: Any, project: Any) -> None:
    pk = make_repository(project, source=SOURCE, credentials=SECRET).pk
    client.patch(f"{URL}/{pk}", {"source": "https://other.example/x.git", "credentials": "fresh"})
    assert stored(pk) == ("", "fresh")


def test_null_removes_credentials_and_is_audited_without_them(client: Any, project: Any) -> None:
    pk = make_repository(project, credentials=SECRET).pk
    assert client.patch(f"{URL}/{pk}", {"credentials": None}).json()["has_credentials"] is False
    event = Event.objects.get(type="repository.updated")
    assert event.data["changed"] == ["credentials"]
    assert SECRET not in str([event.before, event.after, event.data])


def test_secret_in_the_url_moves_into_the_credentials(client: Any, project: Any) -> None:
    source = f"https://ci:{SECRET}@git.example.com/team/billing.git"
    answer = client.post(URL, {"project": project.pk, "name": "x", "source": source}).json()
    assert answer["source"] == SOURCE
    assert answer["has_credentials"] is True
    assert stored(answer["id"]) == ("ci", SECRET)
    assert SECRET not in str(list(Event.objects.values()))


def test_source_is_judged_by_the_validator_of_the_settings(client: Any, project: Any) -> None:
    response = client.post(URL, {"project": project.pk, "name": "x", "source": "refused:x"})
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"field": "source", "code": "source_refused", "message": "This source is refused."}
    ]
    pk = make_repository(project).pk
    assert client.patch(f"{URL}/{pk}", {"source": "refused:y"}).status_code == 400


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a", " b ", "a"], ["a", "b"]),
        ({"team": "core", "tier": 1}, ["team:core", "tier:1"]),
        ([], []),
        ({}, []),
        ("a", None),
        ([1], None),
        ([None], None),
        ([""], None),
        (["x" * 101], None),
        ([f"t{n}" for n in range(51)], None),
        ({"a": {"b": 1}}, None),
        ({"a": None}, None),
        (None, None),
    ],
)
def test_tags(client: Any, project: Any, given: Any, expected: list[str] | None) -> None:
    response = client.post(URL, {"project": project.pk, "name": "x", "source": SOURCE, "tags": given})
    if expected is None:
        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == "tags"
    else:
        assert response.json()["tags"] == expected


def test_lists_filter_by_tag_project_and_text(client: Any, project: Any) -> None:
    make_repository(project, name="alpha", tags=["team:core", "x"])
    make_repository(project, name="beta", tags=["team:core-2"])

    def names(query: str) -> list[str]:
        return [row["name"] for row in client.get(f"{URL}?{query}").json()["results"]]

    assert names("tag=team:core") == ["alpha"]
    assert names("tag=team") == []
    assert names("search=BET") == ["beta"]
    assert names(f"project={project.pk}") == ["beta", "alpha"]
    assert names("name=alpha&tag=x") == ["alpha"]


def test_list_and_detail_cost_the_same_for_many_and_decrypt_nothing(
    client: Any, project: Any, settings: Any, django_assert_num_queries: Any
) -> None:
    from cryptography.fernet import Fernet

    for _ in range(10):
        make_repository(project, credentials=SECRET)
    pk = make_repository(project, credentials=SECRET).pk
    client.get(URL)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    for query in ("limit=1", "limit=100"):
        with django_assert_num_queries(2):
            assert client.get(f"{URL}?{query}").status_code == 200
    with django_assert_num_queries(3):  # session, object, role
        assert client.get(f"{URL}/{pk}").json()["has_credentials"] is True


def test_deleting_is_told(client: Any, project: Any) -> None:
    repository = make_repository(project, name="gone")
    assert client.delete(f"{URL}/{repository.pk}").status_code == 204
    event = Event.objects.get(type="repository.deleted")
    assert (event.data["repository"], event.data["name"], event.project_id) == (
        repository.pk,
        "gone",
        project.pk,
    )


def test_token_of_scope_read_changes_nothing(project: Any) -> None:
    repository = make_repository(project)
    user = make_member(project, "admin").user
    reader = api(token=make_token(user, scope="read")[1])
    assert reader.get(f"{URL}/{repository.pk}").status_code == 200
    assert reader.patch(f"{URL}/{repository.pk}", {"name": "x"}).status_code == 403


def test_form_of_the_browsable_api_creates(client: Any, project: Any) -> None:
    body = {"project": project.pk, "name": "form", "source": SOURCE, "tags": "a, b"}
    response = client.post(URL, body, format="multipart")
    assert response.status_code == 201
    assert response.json()["tags"] == ["a", "b"]
    page = client.get(URL, HTTP_ACCEPT="text/html")
    assert page.status_code == 200
    assert "form" in page.content.decode()


@pytest.mark.parametrize(
    ("source", "bare", "secret"),
    [
        ("https://u:p%40ss@h/x", "https://h/x", Credentials("u", "p@ss")),
        ("https://TOKEN@h/x", "https://h/x", Credentials("", "TOKEN")),
        ("https://:p@h/x", "https://h/x", Credentials("", "p")),
        ("https://@h/x", "https://h/x", None),
        ("https://h/a@b", "https://h/a@b", None),
        ("git@h:x", "git@h:x", None),
        ("ssh://git@h/x", "ssh://git@h/x", None),
        ("https://[", "https://[", None),
        ("/a/b@c", "/a/b@c", None),
    ],
)
def test_secret_is_found_in_http_urls_only(source: str, bare: str, secret: Credentials | None) -> None:
    assert take_from_url(source) == (bare, secret)


def test_repr_of_credentials_shows_nothing() -> None:
    assert SECRET not in repr(Credentials("ci", SECRET))
    with pytest.raises(InvalidCredentials) as caught:
        Credentials.read({"password": SECRET, "token": SECRET})
    assert SECRET not in str(caught.value)


def test_places() -> None:
    assert same_place("git@h:a", "git@h:b")
    assert same_place("/srv/a", "/srv/a")
    assert not same_place("/srv/a", "/srv/b")
    assert not same_place("git@h:a", "git@i:a")
