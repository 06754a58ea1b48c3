"""Says what is wrong with an endpoint before it is kept, field by field."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from commandcenter.core.renderers import to_json
from commandcenter.events.catalogue import public_types
from commandcenter.outbound import url_fault
from jobs.exceptions import FieldError
from webhooks.deciding import conditions, patterns
from webhooks.exceptions import InvalidEndpoint
from webhooks.models import Endpoint

MOST_A_MINUTE = 100_000
LONGEST_TIMEOUT = 30  # seconds; far below the lease of a delivery
LONGEST_REASON = 500
LARGEST_CONDITIONS = 10_000  # bytes
MOST_ENDPOINTS = 100  # of a project: each of its events looks at all of them


def check(endpoint: Endpoint) -> None:
    """Raise InvalidEndpoint naming each field that is wrong; clean its texts on the way."""
    endpoint.description = endpoint.description.strip()
    if errors := list(_faults(endpoint)):
        raise InvalidEndpoint(errors)
    endpoint.events = list(dict.fromkeys(endpoint.events))


def _faults(endpoint: Endpoint) -> Iterator[FieldError]:
    if fault := url_fault(endpoint.url, settings.OUTBOUND_ALLOW):
        yield _error("url", "invalid", fault)
    known = [each.name for each in public_types()]
    for fault in patterns.faults(endpoint.events, known):
        yield _error("events", "invalid", fault)
    faults = list(conditions.faults(endpoint.conditions))
    for fault in faults:
        yield _error("conditions", "invalid", fault)
    if not faults and len(to_json(endpoint.conditions)) > LARGEST_CONDITIONS:
        yield _error("conditions", "too_large", f"Give at most {LARGEST_CONDITIONS:,} bytes.")
    if endpoint.rate_limit is not None and not 1 <= endpoint.rate_limit <= MOST_A_MINUTE:
        yield _error("rate_limit", "out_of_range", f"Give 1 to {MOST_A_MINUTE:,} a minute, or null.")
    if not 1 <= endpoint.timeout_seconds <= LONGEST_TIMEOUT:
        yield _error("timeout_seconds", "out_of_range", f"Give 1 to {LONGEST_TIMEOUT} seconds.")


def _error(field: str, code: str, message: str) -> FieldError:
    return {"field": field, "code": code, "message": message}
