"""What the processes of a data folder have in common, and which variables win."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from commandcenter.embedded.environment import announce, environment, source_roots
from commandcenter.embedded.errors import Refusal
from commandcenter.embedded.layout import Layout, running_environment
from commandcenter.embedded.parts import Part
from commandcenter.embedded.servers import needed


def test_a_bare_environment_gets_everything_and_always_the_same(tmp_path: Path) -> None:
    """Secrets and ports are made once."""
    found = environment(tmp_path, {})
    assert found == environment(tmp_path, {})
    assert len(found["SECRET_KEY"]) >= 50
    Fernet(found["CC_ENCRYPTION_KEYS"])
    assert found["CC_PUBLIC_URL"] == "http://localhost:8000"
    assert found["ALLOWED_HOSTS"] == "localhost,127.0.0.1,[::1]"
    assert found["CACHE_URL"] != found["CHANNEL_URL"] != found["BROKER_URL"]
    assert [server.name for server in needed(Layout(tmp_path), {})] == ["broker", "cache", "postgres"]


@pytest.mark.parametrize(
    ("name", "value", "server"),
    [
        ("DATABASE_URL", "postgresql://u@db.example/cc", "postgres"),
        ("BROKER_URL", "redis://broker.example/0", "broker"),
        ("CACHE_URL", "redis://cache.example/0", "cache"),
    ],
)
def test_each_url_replaces_its_embedded_server(tmp_path: Path, name: str, value: str, server: str) -> None:
    """Only that server is left out, and its variable is left alone."""
    given = {name: value}
    assert name not in environment(tmp_path, given)
    assert server not in [each.name for each in needed(Layout(tmp_path), given)]
    assert len(needed(Layout(tmp_path), given)) == 2


def test_the_channel_follows_the_cache_unless_it_is_named(tmp_path: Path) -> None:
    """CHANNEL_URL alone leaves the embedded cache in place."""
    assert (
        environment(tmp_path, {"CACHE_URL": "redis://cache.example/3"})["CHANNEL_URL"]
        == "redis://cache.example/3"
    )
    found = environment(tmp_path, {"CHANNEL_URL": "redis://channel.example/0"})
    assert "CHANNEL_URL" not in found
    assert "CACHE_URL" in found


def test_the_public_host_is_allowed(tmp_path: Path) -> None:
    """Whoever names a public address is let in by it."""
    found = environment(tmp_path, {"CC_PUBLIC_URL": "https://cc.example.org"})
    assert found["ALLOWED_HOSTS"].split(",")[-1] == "cc.example.org"


@pytest.mark.parametrize("value", ["x", "0", "70000", "\uff18\uff10"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    """Before anything is written."""
    with pytest.raises(Refusal, match="PORT must be a port number"):
        environment(tmp_path / "data", {"PORT": value})
    assert not (tmp_path / "data").exists()


def test_the_running_environment_ends_with_its_process(tmp_path: Path) -> None:
    """An announcement counts while the very process that wrote it lives, and never when it is garbled."""
    layout = Layout(tmp_path)
    layout.prepare()
    announce(layout, {"DATABASE_URL": "postgresql://here/x", "PATH": "/bin"})
    assert running_environment(tmp_path) == {"DATABASE_URL": "postgresql://here/x"}
    written = json.loads(layout.services.read_text())
    layout.services.write_text(json.dumps({**written, "started": "earlier"}))
    assert running_environment(tmp_path) is None
    for garbled in ("", "[]", '{"pid": "x"}', f'{{"pid": {os.getpid()}, "started": "x", "environment": 7}}'):
        layout.services.write_text(garbled)
        assert running_environment(tmp_path) is None


def test_folders_of_earlier_repositories_stay_allowed(tmp_path: Path) -> None:
    """CC_SOURCE_ROOTS keeps what the environment says and adds local REPOs, not URLs."""
    layout = Layout(tmp_path)
    layout.prepare()
    (layout.path("run") / "sources.json").write_text('["/srv/code", "https://example.org/x.git"]')
    given = {"CC_SOURCE_ROOTS": "/home/a,/home/b"}
    assert source_roots(layout, given, "/srv/new") == "/home/a:/home/b:/srv/code:/srv/new"


def test_a_part_that_keeps_dying_waits_ever_longer() -> None:
    """Five quick deaths are answered at once, then the pause grows from 2 s to 30 s."""
    part = Part("x", start=lambda: None, stop_signal=15, server=False)  # type: ignore[arg-type, return-value]
    pauses = []
    for deaths in range(1, 12):
        part.quick_deaths = deaths
        pauses.append(part.backoff())
    assert pauses == [0.1] * 5 + [2, 4, 8, 16, 30, 30]
