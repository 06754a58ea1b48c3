"""What cannot work is refused in one sentence with exit code 2, before anything is started."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from commandcenter.embedded import ports
from commandcenter.embedded.layout import Layout
from tests.embedded.running import Up, nobody

pytestmark = pytest.mark.process


def refused(up: Up) -> str:
    """Return the sentence with which the start was refused."""
    code, output, errors = up.outcome()
    assert (code, output) == (2, ""), errors
    assert len(errors.splitlines()) == 1, errors
    return errors


def test_a_taken_web_port(up: Callable[..., Up]) -> None:
    """The port that was asked for is in use by another program."""
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"Port {port} is taken" in refused(up(CC_PORT=str(port)))


@pytest.mark.parametrize("server", ["postgres", "broker", "cache"])
def test_a_taken_server_port(up: Callable[..., Up], folder: Path, server: str) -> None:
    """A port that the data folder remembers is in use by another program."""
    layout = Layout(folder / "data")
    layout.prepare()
    port = layout.port(server)
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, port))
        other.listen()
        sentence = refused(up())
    assert f"Port {port}" in sentence
    assert server in sentence


@pytest.mark.parametrize("value", ["no", "0", "65536", "-1", "8000.5"])
def test_a_port_that_is_none(up: Callable[..., Up], value: str) -> None:
    """CC_PORT must be a port number."""
    asked = up()
    asked.environ["CC_PORT"] = value
    assert "CC_PORT must be a port number" in refused(asked)


def test_data_of_another_major_version(up: Callable[..., Up], folder: Path) -> None:
    """The cluster of an older PostgreSQL is left alone."""
    layout = Layout(folder / "data")
    layout.prepare()
    version = layout.path("postgres") / "PG_VERSION"
    version.write_text("16\n")
    assert "PostgreSQL 16" in refused(up())
    assert version.read_text() == "16\n"


def test_a_postgres_folder_with_something_else_in_it(up: Callable[..., Up], folder: Path) -> None:
    """Files that are no cluster are neither used nor removed."""
    layout = Layout(folder / "data")
    layout.prepare()
    stranger = layout.path("postgres") / "letter.txt"
    stranger.write_text("mine")
    assert "holds no PostgreSQL data" in refused(up())
    assert stranger.read_text() == "mine"


def test_an_unwritable_folder(up: Callable[..., Up], folder: Path) -> None:
    """A data folder in which the user may not write."""
    data = folder / "data"
    data.mkdir()
    if nobody():
        os.chown(data, 0, 0)
        data.chmod(0o755)
    else:
        data.chmod(0o555)
    try:
        assert "cannot be written" in refused(up(user=nobody()))
    finally:
        data.chmod(0o755)


def test_a_data_folder_that_is_a_file(up: Callable[..., Up], folder: Path) -> None:
    """A file where the folder should be stays as it is."""
    (folder / "data").write_text("a file")
    assert "cannot be written" in refused(up())
    assert (folder / "data").read_text() == "a file"


def test_a_grace_that_is_no_number(up: Callable[..., Up]) -> None:
    """CC_STOP_GRACE_SECONDS must be a number of seconds."""
    assert "CC_STOP_GRACE_SECONDS" in refused(up(CC_STOP_GRACE_SECONDS="soon"))
