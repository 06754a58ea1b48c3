"""What may be a source at all, decided before anything is contacted or read."""

from __future__ import annotations

from pathlib import Path

import pytest

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source import Kind, SourcePolicy, check_source, classify
from commandcenter.engine.source.tests.conftest import Desk
from commandcenter.engine.source.tests.servers import Repo
from commandcenter.outbound import parse_networks

POLICY = SourcePolicy()
ODD = ("2130706433", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1.", "\uff11\uff12\uff17.0.0.1")


@pytest.mark.parametrize(
    "source",
    [
        "https://github.com/django/django",
        "https://github.com/django/django.git",
        "http://example.org:8080/a/b.git",
        "git://example.org/project.git",
        "ssh://git@example.org:2222/owner/project.git",
        "git@github.com:owner/project.git",
        "github.com:owner/project",
        "https://[2606:4700::1111]/project.git",
        "https://b\u00fccher.example/project.git",
    ],
)
def test_git_addresses_are_accepted(source: str) -> None:
    assert classify(source) is Kind.GIT_URL
    check_source(source, POLICY)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "characters"),
        ("   ", "characters"),
        ("https://example.org/" + "a" * 3000, "characters"),
        ("https://example.org/a\nb", "control characters"),
        ("https://example.org/a\x00b", "control characters"),
        ("-uexample", "hyphen"),
        ("--upload-pack=touch x", "hyphen"),
        ("ext::sh -c id", "helpers"),
        ("fd::17/project", "helpers"),
        ("ftp://example.org/project.git", "Only https"),
        ("git+ssh://example.org/project.git", "Only https"),
        ("javascript://example.org/x", "Only https"),
        ("https://user:secret@example.org/p.git", "credentials"),
        ("https://token@example.org/p.git", "credentials"),
        ("ssh://git:secret@example.org/p.git", "credentials"),
        ("git:secret@example.org:team/p.git", "credentials"),
        ("git:secret@example.org/p.git", "credentials"),
        ("ssh://-oProxyCommand=id/p.git", "host"),
        ("ssh://-oProxyCommand=id@example.org/p.git", "user name"),
        ("-oProxyCommand=id:p.git", "hyphen"),
        ("git@-oProxyCommand=id:p.git", "host"),
        ("git@example.org:-p.git", "must look like"),
        ("https://example.org", "no repository"),
        ("https://example.org/", "no repository"),
        ("https://example.org:0/p.git", "port"),
        ("https://example.org:99999/p.git", "port"),
        ("https://exa mple.org/p.git", "host"),
        ("https:///p.git", "host"),
        ("https://example.org/p.git?x=1", "query"),
        ("https://example.org/p.git#x", "fragment"),
        ("file://example.org/srv/p.git", "file URL"),
    ],
)
def test_what_is_no_source_is_refused_with_a_reason(source: str, words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        check_source(source, POLICY)
    assert caught.value.code in {"source_invalid", "source_forbidden"}
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::a9fe:a9fe]", *ODD],
)
@pytest.mark.parametrize("form", ["https://{}/p.git", "git://{}/p.git", "ssh://git@{}/p.git"])
def test_private_addresses_are_refused_in_every_spelling(host: str, form: str) -> None:
    with pytest.raises(SourceError) as caught:
        check_source(form.format(host), POLICY)
    assert caught.value.code == "source_forbidden"


def test_a_private_address_is_accepted_where_an_operator_allowed_it() -> None:
    check_source("http://127.0.0.1:8000/p.git", SourcePolicy(outbound_allow=parse_networks("127.0.0.0/8")))


def test_paths_are_told_apart_by_what_is_there(desk: Desk, repo: Repo) -> None:
    folder = desk.root / "plain"
    folder.mkdir()
    (folder / ".git").mkdir()  # empty: no repository
    archive = desk.root / "a.zip"
    archive.touch()
    bare = Repo(desk.root / "bare.git", bare=True)
    assert classify(str(repo.path)) is Kind.LOCAL_GIT
    assert classify(repo.path.as_uri()) is Kind.LOCAL_GIT
    assert classify(str(bare.path)) is Kind.LOCAL_GIT
    assert classify(str(folder)) is Kind.DIRECTORY
    assert classify(str(archive)) is Kind.ARCHIVE


@pytest.mark.parametrize(
    "path", ["/etc", "/etc/passwd", "/nothing-here", "file:///etc", "{root}/../outside", "{root}/link"]
)
def test_paths_outside_of_the_roots_are_refused_and_nothing_is_said_about_them(desk: Desk, path: str) -> None:
    (desk.root / "link").symlink_to("/etc")
    with pytest.raises(SourceError, match="CC_SOURCE_ROOTS") as caught:
        check_source(path.format(root=desk.root), desk.policy)
    assert caught.value.code == "source_forbidden"
    assert desk.refuse(path.format(root=desk.root)).code == "source_forbidden"


def test_without_roots_no_local_source_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="CC_SOURCE_ROOTS"):
        check_source(str(tmp_path), POLICY)


def test_a_path_that_is_not_there_is_not_found(desk: Desk) -> None:
    with pytest.raises(SourceError) as caught:
        check_source(str(desk.root / "nothing"), desk.policy)
    assert caught.value.code == "source_not_found"
