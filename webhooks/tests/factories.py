"""Endpoints and deliveries, made through the real paths."""

from __future__ import annotations

import itertools
from typing import Any

from django.db import transaction

from commandcenter.events.models import Event
from commandcenter.events.publish import publish
from commandcenter.inventory.models import Project, Repository
from commandcenter.inventory.tests.factories import make_repository
from jobs.tests.factories import make_project
from webhooks.fanout import address
from webhooks.inbound.keeping import create_source
from webhooks.keeping import create_endpoint
from webhooks.models import Delivery, Endpoint, InboundSource

_numbers = itertools.count(1)
URL = "https://8.8.8.8/hook"  # a literal, so that nothing is looked up


def make_endpoint(project: Project | None = None, **values: Any) -> Endpoint:
    """Return a new endpoint that asks for all events unless told otherwise."""
    switch = {name: values.pop(name) for name in ("enabled", "reason") if name in values}
    given = {"url": URL, "events": ["*"]} | values
    made, _secret = create_endpoint(project=project or make_project(), values=given, by=None, **switch)
    return Endpoint.objects.get(pk=made.pk)


def make_source(
    repository: Repository | None = None, *, kind: str = "github", **values: Any
) -> InboundSource:
    """Return a new inbound source, of a new repository unless told otherwise."""
    made, _secret = create_source(repository=repository or make_repository(), kind=kind, by=None, **values)
    return InboundSource.objects.get(pk=made.pk)


def make_event(project: Project, type_: str = "repository.created", **data: Any) -> Event:
    """Publish an event of a repository."""
    number = next(_numbers)
    given = {"repository": number, "name": f"repository-{number}", "source": "https://git.example.com/x"}
    with transaction.atomic():
        return publish(type_, project=project.pk, subject=("repository", number), data=given | data)


def make_delivery(endpoint: Endpoint | None = None, **values: Any) -> Delivery:
    """Return a delivery of a new event, with these columns set afterwards."""
    endpoint = endpoint or make_endpoint()
    with transaction.atomic():
        (made,) = address(make_event(endpoint.project), [endpoint.pk])
    if values:
        Delivery.objects.filter(pk=made).update(**values)
    return Delivery.objects.get(pk=made)
