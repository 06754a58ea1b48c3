"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from commandcenter.advisories.api.views import NAME
from commandcenter.analysis.api.advisories import AffectedUses
from commandcenter.analysis.api.analyses import AnalysisViewSet
from commandcenter.analysis.api.batch import AnalyzeMany
from commandcenter.analysis.api.freshness import PortfolioFreshness, RepositoryFreshness
from commandcenter.analysis.api.policies import PolicyViewSet
from commandcenter.analysis.api.portfolio import DependencyViewSet, FindingViewSet
from commandcenter.analysis.api.radar import DriftView, Radar, Usage, Uses
from commandcenter.analysis.api.repositories import AnalyseRepository, RepositoryTrends
from commandcenter.analysis.api.rules import ENGINE, RULE_ID, RuleDetail, RuleViewSet
from commandcenter.analysis.api.standings import PortfolioTrends, StandingViewSet

router_entries: list[tuple[str, type[ViewSetMixin], str]] = [
    ("analyses", AnalysisViewSet, "analysis"),
    ("findings", FindingViewSet, "finding"),
    ("dependencies", DependencyViewSet, "dependency"),
    ("portfolio", StandingViewSet, "portfolio"),
    ("policies", PolicyViewSet, "policy"),
    ("rules", RuleViewSet, "rule"),
]
_id = r"(?P<pk>[0-9]{1,18})"
urlpatterns: list[URLPattern] = [
    re_path(rf"^advisories/(?P<name>{NAME})/affected/?$", AffectedUses.as_view(), name="advisory-affected"),
    re_path(r"^batch/analyze/?$", AnalyzeMany.as_view(), name="batch-analyze"),
    re_path(r"^portfolio/trends/?$", PortfolioTrends.as_view(), name="portfolio-trends"),
    re_path(rf"^repositories/{_id}/analyze/?$", AnalyseRepository.as_view(), name="repository-analyze"),
    re_path(r"^freshness/?$", PortfolioFreshness.as_view(), name="freshness"),
    re_path(rf"^repositories/{_id}/freshness/?$", RepositoryFreshness.as_view(), name="repository-freshness"),
    re_path(rf"^repositories/{_id}/trends/?$", RepositoryTrends.as_view(), name="repository-trends"),
    re_path(
        rf"^rules/(?P<engine>{ENGINE})/(?P<rule_id>{RULE_ID})/?$", RuleDetail.as_view(), name="rule-detail"
    ),
    re_path(r"^technologies/drift/?$", DriftView.as_view(), name="technology-drift"),
    re_path(r"^technologies/radar/?$", Radar.as_view(), name="technology-radar"),
    re_path(r"^technologies/uses/?$", Uses.as_view(), name="technology-uses"),
    re_path(rf"^technologies/{_id}/usage/?$", Usage.as_view(), name="technology-usage"),
]
