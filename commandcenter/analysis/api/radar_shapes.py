"""The public shapes of the radar and of drift."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from commandcenter.analysis.radar.drift import Drift, Section, Unlisted
from commandcenter.analysis.radar.entries import Entry
from commandcenter.analysis.radar.rings import Ring
from commandcenter.analysis.radar.uses import MAX_VERSIONS
from commandcenter.inventory.models import TechnologyDomain, TechnologyStatus


class PageSerializer(serializers.Serializer[Any]):
    """A page of rows."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class SectionSerializer(serializers.Serializer[Any]):
    """The first rows; `more` counts the others."""

    total = serializers.IntegerField()
    more = serializers.IntegerField()


class VersionCountSerializer(serializers.Serializer[Any]):
    """How many repositories use a version; null is an unknown one."""

    version = serializers.CharField(allow_null=True)
    repositories = serializers.IntegerField()


class RadarEntrySerializer(serializers.Serializer[Any]):
    """A technology of a radar. `repositories` is null where nothing can tell; `versions` are the most used 50."""

    technology = serializers.IntegerField()
    name = serializers.CharField()
    project = serializers.IntegerField()
    domain = serializers.ChoiceField(TechnologyDomain.choices)
    status = serializers.ChoiceField(TechnologyStatus.choices)
    ring = serializers.ChoiceField(Ring.choices)
    repositories = serializers.IntegerField(allow_null=True)
    versions = VersionCountSerializer(many=True)
    versions_total = serializers.IntegerField()
    first_seen = serializers.DateTimeField(allow_null=True)
    last_seen = serializers.DateTimeField(allow_null=True)


class RadarPageSerializer(PageSerializer):
    """A page of entries."""

    results = RadarEntrySerializer(many=True)


class TechnologyUseSerializer(serializers.Serializer[Any]):
    """A repository that uses a technology."""

    project = serializers.IntegerField()
    repository = serializers.IntegerField()
    repository_name = serializers.CharField()
    name = serializers.CharField()
    domain = serializers.CharField()
    version = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField()


class UsesPageSerializer(PageSerializer):
    """A page of uses."""

    results = TechnologyUseSerializer(many=True)


class EvidenceSerializer(serializers.Serializer[Any]):
    """A place that shows it."""

    path = serializers.CharField()
    line = serializers.IntegerField(allow_null=True)


class UsageSerializer(serializers.Serializer[Any]):
    """A repository that uses a technology, and the analysis that saw it."""

    repository = serializers.IntegerField()
    repository_name = serializers.CharField()
    analysis = serializers.IntegerField()
    version = serializers.CharField(allow_null=True)
    confidence = serializers.FloatField()
    evidence = EvidenceSerializer(many=True)
    seen_at = serializers.DateTimeField(allow_null=True)


class UsagePageSerializer(PageSerializer):
    """A page of repositories."""

    results = UsageSerializer(many=True)


class SpreadSerializer(serializers.Serializer[Any]):
    """What is in use in several majors; `versions` are the most used 50 of `versions_total`."""

    name = serializers.CharField()
    repositories = serializers.IntegerField()
    majors = serializers.IntegerField()
    versions = VersionCountSerializer(many=True)
    versions_total = serializers.IntegerField()


class TechnologySpreadSerializer(SpreadSerializer):
    """A technology in several majors."""

    domain = serializers.CharField()


class PackageSpreadSerializer(SpreadSerializer):
    """A directly required package in several majors."""

    ecosystem = serializers.CharField()


class ProjectUseSerializer(serializers.Serializer[Any]):
    """How many repositories of a project use it."""

    project = serializers.IntegerField()
    repositories = serializers.IntegerField()


class UnlistedSerializer(serializers.Serializer[Any]):
    """A technology in use that the radars of these projects (at most 50 are named) do not have."""

    name = serializers.CharField()
    domain = serializers.CharField()
    repositories = serializers.IntegerField()
    projects = ProjectUseSerializer(many=True)
    first_seen = serializers.DateTimeField(allow_null=True)
    last_seen = serializers.DateTimeField(allow_null=True)


class TechnologySectionSerializer(SectionSerializer):
    """The first rows; `more` counts the others."""

    results = TechnologySpreadSerializer(many=True)


class PackageSectionSerializer(SectionSerializer):
    """The first rows; `more` counts the others."""

    results = PackageSpreadSerializer(many=True)


class UnlistedSectionSerializer(SectionSerializer):
    """The first rows; `more` counts the others."""

    results = UnlistedSerializer(many=True)


class EntrySectionSerializer(SectionSerializer):
    """The first rows; `more` counts the others."""

    results = RadarEntrySerializer(many=True)


class DriftSerializer(serializers.Serializer[Any]):
    """Where use and decision drift apart. `cut`: there was too much to compare, and rows may be missing."""

    technologies = TechnologySectionSerializer()
    packages = PackageSectionSerializer()
    unlisted = UnlistedSectionSerializer()
    retired = EntrySectionSerializer()
    unused = EntrySectionSerializer()
    cut = serializers.BooleanField()


def entry(row: Entry) -> dict[str, Any]:
    """Return the public shape of an entry."""
    technology = row.technology
    return {
        "technology": technology.pk,
        "name": technology.name,
        "project": technology.project_id,
        "domain": technology.domain,
        "status": technology.status,
        "ring": row.ring.value,
        "repositories": row.repositories,
        "versions": row.versions[:MAX_VERSIONS],
        "versions_total": len(row.versions),
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
    }


def use(row: Any) -> dict[str, Any]:
    """Return the public shape of a use, annotated as `places` annotates it."""
    return {
        "project": row.project_id,
        "repository": row.repository_id,
        "repository_name": row.repository_name,
        **{name: getattr(row, name) for name in ("name", "domain", "version", "confidence")},
    }


def drift(found: Drift) -> dict[str, Any]:
    """Return the public shape of what drifts."""
    return {
        "technologies": _section(found.technologies, asdict),
        "packages": _section(found.packages, asdict),
        "unlisted": _section(found.unlisted, _unlisted),
        "retired": _section(found.retired, entry),
        "unused": _section(found.unused, entry),
        "cut": found.cut,
    }


def _section(section: Section[Any], shape: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    return {
        "results": [shape(row) for row in section.rows],
        "total": section.total,
        "more": section.more,
    }


def _unlisted(row: Unlisted) -> dict[str, Any]:
    return {**asdict(row), "projects": [use._asdict() for use in row.projects]}
