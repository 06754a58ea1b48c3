"""How an endpoint of webhooks fares, in a word and a sentence, and which endpoints fare so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Q

from webhooks.models import Endpoint, EndpointQuerySet


class EndpointState(StrEnum):
    """From what stops it most to what is well."""

    DISABLED = "disabled"
    OPEN = "open"
    FAILING = "failing"
    UNUSED = "unused"
    HEALTHY = "healthy"


_OF = {
    EndpointState.DISABLED: Q(enabled=False),
    EndpointState.OPEN: Q(run__probe_at__isnull=False),
    EndpointState.FAILING: Q(run__failing_since__isnull=False),
    EndpointState.UNUSED: Q(run__served_at__isnull=True),
    EndpointState.HEALTHY: Q(),
}


@dataclass(frozen=True, slots=True)
class Faring:
    """A state with what is to be said of it; `since` and `until` (the next probe) where there are such moments."""

    state: EndpointState
    detail: str
    since: datetime | None = None
    until: datetime | None = None


def faring(endpoint: Endpoint) -> Faring:
    """Return how an endpoint, read with its run, fares."""
    run = endpoint.run
    if not endpoint.enabled:
        return Faring(
            EndpointState.DISABLED, endpoint.disabled_reason or "It was switched off.", endpoint.disabled_at
        )
    if run.probe_at is not None:
        detail = "It mostly fails, so one delivery at a time is tried; the others wait and lose no attempt."
        return Faring(EndpointState.OPEN, detail, run.failing_since or run.circuit_opened_at, run.probe_at)
    if run.failing_since is not None:
        return Faring(EndpointState.FAILING, "Nothing has arrived since then.", run.failing_since)
    if run.served_at is None:
        return Faring(EndpointState.UNUSED, "Nothing was sent to it yet.")
    return Faring(EndpointState.HEALTHY, "The last delivery arrived.")


def in_state(endpoints: EndpointQuerySet, state: EndpointState) -> EndpointQuerySet:
    """Return the endpoints that are shown in this state."""
    narrowed: Any = endpoints.filter(_OF[state])
    for earlier in list(EndpointState)[: list(EndpointState).index(state)]:
        narrowed = narrowed.exclude(_OF[earlier])
    return narrowed  # type: ignore[no-any-return]
