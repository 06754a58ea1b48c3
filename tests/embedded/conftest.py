"""Data folders and running platforms for these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.embedded.running import Up, data_folder, small_repository


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the ordinary user of these tests owns and may enter."""
    with data_folder() as made:
        yield made


@pytest.fixture
def repo(folder: Path) -> Path:
    """A tiny git repository."""
    return small_repository(folder)


@pytest.fixture
def up(folder: Path, repo: Path) -> Iterator[Callable[..., Up]]:
    """A function that makes an `Up` on the folder's `data`; all are ended after the test."""
    made: list[Up] = []

    def make(**more: str) -> Up:
        made.append(Up(folder / "data", repo, **more))
        return made[-1]

    yield make
    for each in made:
        each.end()
