"""/rules: what every engine looks for, with texts that say what, why and how to fix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.analysis.api.filters import SeverityFilter, TextFilter, YesNoFilter
from commandcenter.analysis.models import Finding, Rule, Severity
from commandcenter.analysis.rules import listing
from commandcenter.core.permissions import token_projects
from commandcenter.core.viewsets import ApiMixin

ENGINE = r"[a-z0-9_-]{1,30}"
RULE_ID = r"[^\x00-\x1f]{1,200}?"  # with slashes, dots and colons
PRECISIONS = ["very-high", "high", "medium", "low"]


class RuleSerializer(serializers.Serializer[Any]):
    """A rule as its engine describes it; `severity` is its default."""

    engine = serializers.CharField()
    rule_id = serializers.CharField()
    name = serializers.CharField()
    what = serializers.CharField()
    why = serializers.CharField()
    fix = serializers.CharField()
    severity = serializers.ChoiceField([severity.label for severity in Severity])
    precision = serializers.ChoiceField(PRECISIONS)
    cwe = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    help_url = serializers.URLField(allow_null=True)
    retired = serializers.BooleanField(help_text="No engine here has it any more; its findings stay.")
    open_findings = serializers.IntegerField(
        help_text=f"On default branches, not suppressed, of projects that you may see; at most {listing.MAX_COUNTED}."
    )
    open_findings_capped = serializers.BooleanField(help_text="There are more than that.")


class RuleFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /rules; severity may repeat."""

    engine = TextFilter()
    severity = SeverityFilter()
    cwe = TextFilter(method="of_weakness")
    tag = TextFilter(method="with_tag")
    search = TextFilter(method="with_words", max_length=200)
    retired = YesNoFilter(method="that_are_retired")

    class Meta:
        model = Rule
        fields: list[str] = []

    def of_weakness(self, queryset: QuerySet[Rule], name: str, value: str) -> QuerySet[Rule]:
        """Return the rules of a weakness by its number, with or without CWE- before it."""
        cwe = listing.cwe_of(value)
        if cwe is None:
            raise ValidationError({name: [ErrorDetail("Give a number, as in CWE-79.", code="invalid")]})
        return queryset.filter(cwe__contains=[cwe])

    def with_tag(self, queryset: QuerySet[Rule], _name: str, value: str) -> QuerySet[Rule]:
        """Return the rules that have a tag."""
        return queryset.filter(tags__contains=[value])

    def with_words(self, queryset: QuerySet[Rule], _name: str, value: str) -> QuerySet[Rule]:
        """Return the rules whose id, name or texts hold the words."""
        return listing.searched(queryset, value)

    def that_are_retired(self, queryset: QuerySet[Rule], _name: str, value: str) -> QuerySet[Rule]:
        """Return the rules that no engine has any more, or the others."""
        return queryset.filter(retired_at__isnull=value == "false")


@extend_schema(responses=RuleSerializer(many=True))
class RuleViewSet(ApiMixin, mixins.ListModelMixin, viewsets.GenericViewSet):  # type: ignore[type-arg]
    """The rules of all engines, by engine and id. The same for everyone signed in, but for the counts."""

    queryset = Rule.objects.all()
    filterset_class = RuleFilters
    keyset_ordering = ("engine", "rule_id")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List rules, retired ones included."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(shown(request, page or []))


class RuleDetail(ApiMixin, APIView):
    """One rule."""

    @extend_schema(operation_id="rules_retrieve", responses=RuleSerializer)
    def get(self, request: Request, engine: str, rule_id: str) -> Response:
        """Show a rule by its engine and id."""
        rule = get_object_or_404(Rule, engine=engine, rule_id=rule_id)
        return Response(shown(request, [rule])[0])


def shown(request: Request, page: Sequence[Rule]) -> list[dict[str, Any]]:
    """Return the public shape of these rules. One query."""
    visible = Finding.objects.visible_to(request.user, token_projects=token_projects(request))
    counts = listing.open_counts(page, visible)
    return [_shape(rule, counts[rule.pk]) for rule in page]


def _shape(rule: Rule, found: int) -> dict[str, Any]:
    return {
        "engine": rule.engine,
        "rule_id": rule.rule_id,
        "name": rule.name,
        "what": rule.short,
        "why": rule.why,
        "fix": rule.help,
        "severity": rule.get_severity_display(),
        "precision": rule.precision,
        "cwe": rule.cwe,
        "tags": rule.tags,
        "help_url": rule.help_url,
        "retired": rule.retired_at is not None,
        "open_findings": min(found, listing.MAX_COUNTED),
        "open_findings_capped": found > listing.MAX_COUNTED,
    }
