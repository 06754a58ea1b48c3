"""What tests of webhooks have in common."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from webhooks.tests.receiver import Receiver, receiving

_BELOW = ["commandcenter.core", "commandcenter.events", "commandcenter.accounts", "commandcenter.inventory"]
# Tests that commit, so that threads see one another's work; the tables of these apps are emptied after each.
COMMITTED = pytest.mark.django_db(transaction=True, available_apps=[*_BELOW, "webhooks"])
COMMITTED_WITH_JOBS = pytest.mark.django_db(
    transaction=True,
    available_apps=[*_BELOW, "jobs", "commandcenter.advisories", "commandcenter.analysis", "webhooks"],
)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Return a receiver whose address may be dialled."""
    settings.OUTBOUND_ALLOW = (ip_network("127.0.0.0/8"),)
    with receiving() as one:
        yield one
