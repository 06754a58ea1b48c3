"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from webhooks.api.deliveries import DeliveryViewSet
from webhooks.api.endpoints import EndpointViewSet
from webhooks.api.inbound import InboundDeliveryList, InboundSourceViewSet
from webhooks.api.receiving import GitHubReceiver, GitLabReceiver
from webhooks.api.resendings import ResendingViewSet
from webhooks.api.statistics import StatisticsView

router_entries: list[tuple[str, type[ViewSetMixin], str]] = [
    ("webhooks/endpoints", EndpointViewSet, "webhook-endpoint"),
    ("webhooks/deliveries", DeliveryViewSet, "webhook-delivery"),
    ("webhooks/inbound", InboundSourceViewSet, "webhook-inbound"),
    ("webhooks/resendings", ResendingViewSet, "webhook-resending"),
]
urlpatterns: list[URLPattern] = [
    re_path(
        r"^webhooks/github/(?P<repository>[0-9]{1,19})/?$",
        GitHubReceiver.as_view(),
        name="webhook-receive-github",
    ),
    re_path(
        r"^webhooks/gitlab/(?P<repository>[0-9]{1,19})/?$",
        GitLabReceiver.as_view(),
        name="webhook-receive-gitlab",
    ),
    re_path(
        r"^webhooks/inbound/(?P<pk>[0-9]{1,19})/received/?$",
        InboundDeliveryList.as_view(),
        name="webhook-inbound-received",
    ),
    re_path(r"^webhooks/statistics/?$", StatisticsView.as_view(), name="webhooks-statistics"),
]
