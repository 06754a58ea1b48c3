"""Analyses and findings in the admin: to be read. What changes them are jobs."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest

from commandcenter.analysis.admin_policies import PolicyAdmin
from commandcenter.analysis.models import Analysis, BranchLine, Finding, FindingAction, Rule
from commandcenter.core.admin import ReadOnlyModelAdmin, register

__all__ = ["PolicyAdmin"]  # registered by being imported


@register(Analysis)
class AnalysisAdmin(ReadOnlyModelAdmin):
    """One row per job."""

    list_display = ("id", "repository", "status", "ref", "short_commit", "job", "started_at", "completed_at")
    list_filter = ("status",)
    list_select_related = ("repository", "job")
    search_fields = ("=id", "=job__id", "repository__name", "commit__startswith")
    show_full_result_count = False  # it would count every row

    def get_queryset(self, request: HttpRequest) -> QuerySet[Analysis]:
        """Leave secrets where they lie."""
        found: QuerySet[Analysis] = super().get_queryset(request)
        return found.defer("repository__credential_secret")

    def short_commit(self, analysis: Analysis) -> str:
        """Return the first characters of the commit."""
        return analysis.commit[:12]


@register(BranchLine)
class BranchLineAdmin(ReadOnlyModelAdmin):
    """Branches with their last analyses."""

    list_display = ("id", "repository", "name", "is_default", "latest", "baseline")
    list_filter = ("is_default",)
    list_select_related = ("repository", "latest", "baseline")
    search_fields = ("repository__name", "name")
    show_full_result_count = False


@register(Finding)
class FindingAdmin(ReadOnlyModelAdmin):
    """Findings as they stand."""

    list_display = ("id", "severity", "state", "rule", "repository", "path", "start_line", "first_seen")
    list_filter = ("severity", "state", "rule__engine")
    list_select_related = ("rule", "repository")
    search_fields = ("=id", "=fingerprint", "rule__rule_id", "path__startswith")
    show_full_result_count = False


@register(FindingAction)
class FindingActionAdmin(ReadOnlyModelAdmin):
    """The trail of decisions about findings."""

    list_display = ("id", "finding", "kind", "actor_name", "at", "short_comment")
    list_filter = ("kind",)
    list_select_related = ("finding",)
    search_fields = ("=finding__id", "actor_name__startswith")
    show_full_result_count = False

    def short_comment(self, action: FindingAction) -> str:
        """Return the first words of the comment."""
        return action.comment[:80]


@register(Rule)
class RuleAdmin(ReadOnlyModelAdmin):
    """Rules that have reported something."""

    list_display = ("engine", "rule_id", "name", "severity", "precision")
    list_filter = ("engine", "severity", "precision")
    search_fields = ("rule_id", "name", "short")
