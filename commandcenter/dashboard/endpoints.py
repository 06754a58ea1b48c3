"""Endpoints of webhooks as the console shows them: which of them, how each fares, what waits for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest
from django.utils.http import urlencode

from commandcenter.dashboard import access, filters
from commandcenter.dashboard.endpoint_figures import Figures, figures_of
from commandcenter.dashboard.endpoint_hours import Day, days_of
from commandcenter.dashboard.endpoint_state import EndpointState, Faring, faring, in_state
from webhooks.addresses import told
from webhooks.models import Endpoint, EndpointQuerySet


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of the list; what makes no sense counts as absent."""

    project: int | None
    state: str
    query: str

    @classmethod
    def of(cls, request: HttpRequest) -> Wanted:
        """Read them from the address."""
        return cls(
            project=filters.key(request, "project"),
            state=filters.choice(request, "state", list(EndpointState)),
            query=filters.words(request, "q"),
        )

    @property
    def filtered(self) -> bool:
        """True when one of them is given."""
        return self != Wanted(None, "", "")

    @property
    def kept(self) -> str:
        """Return the query string of all but the state, for the links that choose another one."""
        given = {"project": self.project, "q": self.query}
        return urlencode({name: value for name, value in given.items() if value})

    def narrow(self, endpoints: EndpointQuerySet) -> EndpointQuerySet:
        """Return the endpoints that are like this."""
        if self.project is not None:
            endpoints = endpoints.filter(project=self.project)
        if self.query:
            endpoints = endpoints.filter(Q(url__icontains=self.query) | Q(description__icontains=self.query))
        return in_state(endpoints, EndpointState(self.state)) if self.state else endpoints


@dataclass(frozen=True, slots=True)
class Shown:
    """One endpoint with all that a page says of it."""

    endpoint: Endpoint
    faring: Faring
    figures: Figures
    day: Day | None = None
    may_operate: bool = False
    may_administer: bool = False

    @property
    def name(self) -> str:
        """Its description, else its address; both without what may be a secret."""
        return self.endpoint.description or self.address

    @property
    def address(self) -> str:
        """Its address without the query."""
        return address_of(self.endpoint)

    @property
    def events(self) -> str:
        """What it asks for, in words."""
        asked = self.endpoint.events
        return "all events" if "*" in asked else ", ".join(asked)


def address_of(endpoint: Endpoint) -> str:
    """Return its address without the query, which may hold a secret."""
    return told(endpoint.url)


def visible(request: HttpRequest) -> EndpointQuerySet:
    """Return the endpoints of the projects that the viewer may see; their secrets stay where they lie."""
    endpoints = Endpoint.objects.visible_to(access.viewer(request)).without_secrets()
    return endpoints.select_related("project", "run")


def shown(endpoints: Iterable[Endpoint], operable: Collection[int] = ()) -> list[Shown]:
    """Return these endpoints as lists show them, in their order; `operable` are the projects of an operator."""
    endpoints = list(endpoints)
    keys = [each.pk for each in endpoints]
    figures, days = figures_of(keys), days_of(keys)
    return [
        Shown(each, faring(each), figures[each.pk], days[each.pk], may_operate=each.project_id in operable)
        for each in endpoints
    ]
