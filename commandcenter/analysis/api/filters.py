"""Query parameters of the analysis app's lists, read strictly."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Exists, OuterRef, Q, QuerySet
from rest_framework.exceptions import ErrorDetail, ValidationError

from commandcenter.advisories import lookup
from commandcenter.advisories.models import PackageVersion
from commandcenter.analysis.findings.identity import seen_in
from commandcenter.analysis.models import (
    AnalysedFile,
    Analysis,
    AnalysisStatus,
    Cause,
    Dependency,
    Finding,
    FindingQuerySet,
    FindingState,
    FindingTransition,
    PolicyStatus,
    Severity,
)
from commandcenter.analysis.models.dependencies import with_purl
from commandcenter.core.fields import MAX_ID
from commandcenter.core.filters import IdFilter, TruthFilter

_SEVERITIES = [(severity.label, severity.label) for severity in Severity]
_BY_LABEL = {severity.label: severity.value for severity in Severity}


class TextFilter(django_filters.CharFilter):  # type: ignore[misc]
    """A short text without NUL."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 1000)
        super().__init__(*args, validators=[ProhibitNullCharactersValidator()], **kwargs)


class UnknownFilter(django_filters.CharFilter):  # type: ignore[misc]
    """A filter over what nothing has measured yet: asking for it is refused, for ignoring it would look like an answer."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Refuse any value."""
        if value:
            raise ValidationError({self.field_name: [ErrorDetail(self.reason, code="unknown")]})
        return qs


class VulnerableFilter(django_filters.ChoiceFilter):  # type: ignore[misc]
    """`?vulnerable=true`: with a known vulnerability; `false`: matched, and without one. Neither holds the unknown."""

    def __init__(self) -> None:
        super().__init__(choices=[("true", "yes"), ("false", "no")])

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the dependencies of which that is known; refuse to answer without any database."""
        if not value:
            return qs
        if not lookup.has_database():
            raise ValidationError({self.field_name: [ErrorDetail(lookup.WITHOUT_DATABASE, code="unknown")]})
        wanted = lookup.vulnerable() if value == "true" else lookup.clean()
        return qs.filter(Exists(PackageVersion.objects.filter(wanted, purl=OuterRef("purl"))))


class SeverityFilter(django_filters.MultipleChoiceFilter):  # type: ignore[misc]
    """`?severity=high`, repeatable."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=_SEVERITIES, **kwargs)

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        """Return the rows of these severities."""
        return qs.filter(severity__in=[_BY_LABEL[label] for label in value]) if value else qs


class YesNoFilter(django_filters.ChoiceFilter):  # type: ignore[misc]
    """`true` or `false`, and nothing else."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[("true", "yes"), ("false", "no")], **kwargs)


def _suppressed(queryset: QuerySet[Finding], value: str) -> QuerySet[Finding]:
    findings = cast("FindingQuerySet", queryset)
    return findings.suppressed() if value == "true" else findings.unsuppressed()


class AnalysisFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /analyses; status may repeat."""

    project = IdFilter()
    repository = IdFilter()
    job = IdFilter()
    status = django_filters.MultipleChoiceFilter(choices=AnalysisStatus.choices)
    policy = django_filters.MultipleChoiceFilter(
        field_name="policy_verdict__status", choices=PolicyStatus.choices
    )

    class Meta:
        model = Analysis
        fields: list[str] = []


class FindingFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /findings: each repository's default branch, unless a branch is named (`*`: all of them)."""

    project = IdFilter(field_name="repository__project")
    repository = IdFilter()
    severity = SeverityFilter()
    state = django_filters.MultipleChoiceFilter(choices=FindingState.choices)
    engine = TextFilter(field_name="rule__engine")
    rule = TextFilter(field_name="rule__rule_id")
    branch = TextFilter(method="of_branch")
    assignee = TextFilter(method="given_to", max_length=19)
    suppressed = YesNoFilter(method="that_are_suppressed")
    origin = django_filters.ChoiceFilter(choices=Cause.choices)

    class Meta:
        model = Finding
        fields: list[str] = []

    def filter_queryset(self, queryset: QuerySet[Finding]) -> QuerySet[Finding]:
        """Apply the filters, and the default branch where none is named."""
        found: QuerySet[Finding] = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("branch") else found.filter(branch_line__is_default=True)

    def of_branch(self, queryset: QuerySet[Finding], _name: str, value: str) -> QuerySet[Finding]:
        """Return the findings of a branch by its name."""
        return queryset if value == "*" else queryset.filter(branch_line__name=value)

    def given_to(self, queryset: QuerySet[Finding], name: str, value: str) -> QuerySet[Finding]:
        """Return the findings of a user by id, one's own (`me`), or those of nobody (`none`)."""
        if value == "none":
            return queryset.filter(assignee__isnull=True)
        if value == "me":
            return queryset.filter(assignee=self.request.user.pk)
        if value.isascii() and value.isdigit() and 0 < int(value) <= MAX_ID:
            return queryset.filter(assignee=int(value))
        raise ValidationError({name: [ErrorDetail("Give the id of a user, me or none.", code="invalid")]})

    def that_are_suppressed(self, queryset: QuerySet[Finding], _name: str, value: str) -> QuerySet[Finding]:
        """Return the findings that a comment in the code or a decision silences, or the others."""
        return _suppressed(queryset, value)


class AnalysisFindingFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /analyses/{id}/findings; `state` is relative to the analysis, which `analysis` names."""

    severity = SeverityFilter()
    state = django_filters.MultipleChoiceFilter(choices=FindingState.choices, method="in_state")
    engine = TextFilter(field_name="rule__engine")
    rule = TextFilter(field_name="rule__rule_id")
    path = TextFilter()
    suppressed = YesNoFilter(method="that_are_suppressed")

    class Meta:
        model = Finding
        fields: list[str] = []

    def that_are_suppressed(self, queryset: QuerySet[Finding], _name: str, value: str) -> QuerySet[Finding]:
        """Return the findings that a comment in the code or a decision silences now, or the others."""
        return _suppressed(queryset, value)

    def in_state(self, queryset: QuerySet[Finding], _name: str, value: list[str]) -> QuerySet[Finding]:
        """Return the findings that this analysis left in one of these states."""
        if not value:
            return queryset
        changes = FindingTransition.objects.filter(
            analysis=self.request.analysis,  # set by the view
            finding=OuterRef("pk"),
        )
        changed = queryset.filter(Exists(changes.filter(to_state__in=value)))
        return changed | queryset.filter(~Exists(changes)) if FindingState.EXISTING in value else changed


class DependencyFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of the dependencies of one analysis."""

    purl = TextFilter(method="with_purl")
    name = TextFilter()
    version = TextFilter()
    ecosystem = TextFilter()
    scope = TextFilter()
    direct = TruthFilter()
    vulnerable = VulnerableFilter()

    class Meta:
        model = Dependency
        fields: list[str] = []

    def with_purl(self, queryset: QuerySet[Dependency], _name: str, value: str) -> QuerySet[Dependency]:
        """Return a package by its purl, in every version when it names none, with any qualifiers and subpath."""
        return queryset.filter(with_purl(value))


class PortfolioDependencyFilters(DependencyFilters):
    """Filters of /dependencies."""

    project = IdFilter(field_name="result_set__repository__project")
    repository = IdFilter(field_name="result_set__repository")


class FileFilters(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of /analyses/{id}/files."""

    language = TextFilter()
    path = TextFilter(lookup_expr="startswith")

    class Meta:
        model = AnalysedFile
        fields: list[str] = []


class OccurrenceOf:
    """Which findings belong to an analysis: those that its results hold, and those that it closed."""

    @staticmethod
    def condition(analysis: Analysis) -> Q:
        gone = FindingTransition.objects.filter(analysis=analysis, to_state=FindingState.FIXED)
        return seen_in(analysis) | Q(pk__in=gone.values("finding"))
