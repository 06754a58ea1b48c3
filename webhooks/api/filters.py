"""Query parameters of the lists of endpoints and deliveries."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from commandcenter.core.filters import ChoicesFilter, IdFilter, TruthFilter
from commandcenter.events.catalogue import public_types
from webhooks.models import SHOWN, Delivery, DeliveryQuerySet, Endpoint


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

    class Meta:
        model = Delivery
        fields: list[str] = []

    def filter_status(self, queryset: DeliveryQuerySet, _name: str, value: list[str]) -> QuerySet[Delivery]:
        """Return the deliveries that are shown with one of these."""
        return queryset.shown_as(value) if value else queryset
