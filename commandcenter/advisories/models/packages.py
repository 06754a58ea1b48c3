"""The packages that analyses have met, each once, and the advisories that hold for them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from commandcenter.advisories.models.records import Advisory, Severity


class Package(models.Model):
    """A package without its version, by its normalised name, and what its registry said of it last."""

    ecosystem = models.CharField(max_length=30)
    name = models.CharField(max_length=300)
    spelling = models.CharField(max_length=300)  # as manifests write it, for its registry
    latest_version = models.CharField(max_length=200, null=True)
    latest_released_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)  # when the registry answered last
    due_at = models.DateTimeField(default=timezone.now)  # when it is to be asked next
    problem = models.CharField(max_length=300, blank=True)  # why it could not say

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ecosystem", "name"], name="package_ecosystem_name_unique"),
        ]
        indexes = [
            # serves: which packages is a registry to be asked about?
            models.Index(fields=["ecosystem", "due_at"], name="package_due"),
        ]

    def __str__(self) -> str:
        return f"{self.ecosystem}/{self.name}"


class PackageVersion(models.Model):
    """One distinct package URL with a version, matched once for all who use it."""

    purl = models.CharField(max_length=1000, unique=True)
    ecosystem = models.CharField(max_length=30)
    spelling = models.CharField(max_length=300)
    version = models.CharField(max_length=200)
    package = models.ForeignKey(Package, null=True, on_delete=models.SET_NULL, related_name="versions")
    stale = models.BooleanField(default=True)  # to be matched: new, or an import has touched its package
    matched_at = models.DateTimeField(null=True)
    unreadable = models.BooleanField(default=False)  # its version cannot be compared with an advisory's
    problems = models.PositiveIntegerField(default=0)  # distinct ones: aliases count once
    worst = models.SmallIntegerField(choices=Severity.choices, null=True)
    asked_at = models.DateTimeField(null=True)  # when the online database answered for it
    released_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # serves: what is to be matched?
            models.Index(fields=["id"], condition=Q(stale=True), name="packageversion_stale"),
            # serves: which package versions have known vulnerabilities?
            models.Index(fields=["purl"], condition=Q(problems__gt=0), name="packageversion_vulnerable"),
            # serves: what is the online database to be asked about?
            models.Index(F("ecosystem"), F("asked_at").asc(nulls_first=True), name="packageversion_to_ask"),
        ]

    def __str__(self) -> str:
        return self.purl


class Match(models.Model):
    """An advisory that holds for a package version. Those of one problem name the same leader."""

    package_version = models.ForeignKey(
        PackageVersion, on_delete=models.CASCADE, related_name="matches", db_index=False
    )
    advisory = models.ForeignKey(Advisory, on_delete=models.CASCADE, related_name="matches")
    leader = models.ForeignKey(Advisory, on_delete=models.CASCADE, related_name="+", db_index=False)
    fixed_in = ArrayField(models.CharField(max_length=200), default=list)  # nearest first

    class Meta:
        verbose_name_plural = "matches"
        constraints = [
            models.UniqueConstraint(fields=["package_version", "advisory"], name="match_once"),
        ]
        indexes = [
            # serves: which versions fix this problem, and how far does it reach?
            models.Index(fields=["leader"], name="match_leader"),
        ]

    def __str__(self) -> str:
        return f"{self.advisory_id} for {self.package_version_id}"
