"""Sources of these tests are not resolved."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _any_source(settings: Any) -> None:
    settings.REPOSITORY_SOURCE_VALIDATOR = "commandcenter.inventory.tests.factories.any_source"
    settings.EVENT_SUBSCRIBERS = []
    settings.EVENT_EARLY_SUBSCRIBERS = []
    settings.EVENT_EARLY_HINTS = []
