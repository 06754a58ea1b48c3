"""What tests of export jobs use: a storage of their own, empty queues."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.tests.conftest import eventually, purge

__all__ = ["eventually"]  # a fixture of these tests as well

# Tests whose threads must see each other's rows. Named apps are emptied afterwards, which is much quicker than all.
COMMITTED = pytest.mark.django_db(
    transaction=True,
    available_apps=[
        "commandcenter.core",
        "commandcenter.events",
        "commandcenter.accounts",
        "commandcenter.inventory",
        "jobs",
        "commandcenter.analysis",
        "exports",
    ],
)


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """Give this test a storage of its own, and return its folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.JOB_RETRY_DELAY_SECONDS = 0
    purge()
    return tmp_path / "media"


@pytest.fixture
def stored(media: Path) -> Callable[[], list[Path]]:
    """Return a function that lists the files in the storage."""
    return lambda: sorted(path for path in media.rglob("*") if path.is_file())
