"""Query parameters of the lists of endpoints and deliveries."""

from __future__ import annotations

from datetime import datetime

import django_filters
from django.db.models import QuerySet
from rest_framework.request import Request

from commandcenter.core.filters import ChoicesFilter, IdFilter, TruthFilter
from commandcenter.core.permissions import token_projects
from commandcenter.events.catalogue import public_types
from webhooks.bulk import moments
from webhooks.models import SHOWN, Delivery, DeliveryQuerySet, Endpoint, EndpointQuerySet


class EndpointFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /webhooks/endpoints."""

    project = IdFilter()
    enabled = TruthFilter()

    class Meta:
        model = Endpoint
        fields: list[str] = []


class DeliveryFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /webhooks/deliveries; status and type may repeat."""

    endpoint = IdFilter()
    project = IdFilter(field_name="endpoint__project")
    event = IdFilter(field_name="message")
    status = ChoicesFilter(choices=[(each, each) for each in SHOWN], method="filter_status")
    type = ChoicesFilter(choices=[(each.name, each.name) for each in public_types()])
    since = django_filters.IsoDateTimeFilter(method="filter_since")
    until = django_filters.IsoDateTimeFilter(method="filter_until")

    class Meta:
        model = Delivery
        fields: list[str] = []

    def filter_status(self, queryset: DeliveryQuerySet, _name: str, value: list[str]) -> QuerySet[Delivery]:
        """Return the deliveries that are shown with one of these."""
        return queryset.shown_as(value) if value else queryset

    def filter_since(self, queryset: DeliveryQuerySet, _name: str, value: datetime) -> QuerySet[Delivery]:
        """Return what was made then or later; its ids say where to stop looking."""
        return queryset.filter(created_at__gte=value, pk__gte=moments.first_delivery(value))

    def filter_until(self, queryset: DeliveryQuerySet, _name: str, value: datetime) -> QuerySet[Delivery]:
        """Return what was made then or before; its ids say where to begin."""
        return queryset.filter(created_at__lte=value, pk__lte=moments.last_delivery(value))


def asked_endpoints(request: Request) -> EndpointQuerySet | None:
    """Return whose deliveries are asked for; None where that is everybody's, of any status: then no choice is needed.

    The filters are valid already.
    """
    asked = DeliveryFilters(request.query_params, queryset=Delivery.objects.none())
    given = asked.form.cleaned_data if asked.is_valid() else {}
    narrowed = {
        name: given[key] for name, key in (("pk", "endpoint"), ("project", "project")) if given.get(key)
    }
    limit = token_projects(request)
    if not narrowed and not given.get("status") and request.user.is_staff and limit is None:
        return None
    visible = Endpoint.objects.visible_to(request.user, token_projects=limit)
    return visible.filter(**narrowed)
