"""OSV records as they were published last, and the packages that each names."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q


class Severity(models.IntegerChoices):
    """Severity as an order; the numbers are those of findings."""

    INFO = 0, "info"
    LOW = 1, "low"
    MEDIUM = 2, "medium"
    HIGH = 3, "high"
    CRITICAL = 4, "critical"


class AdvisoryQuerySet(models.QuerySet["Advisory"]):
    """Reads of advisories."""

    def standing(self) -> AdvisoryQuerySet:
        """Those that were not withdrawn."""
        return self.filter(withdrawn_at=None)


class Advisory(models.Model):
    """One OSV record. A withdrawn one is kept, and matches nothing."""

    osv_id = models.CharField(max_length=200, unique=True)
    modified_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    aliases = ArrayField(models.CharField(max_length=200), default=list)
    summary = models.CharField(max_length=1000, blank=True)
    details = models.TextField(blank=True)
    severity = models.SmallIntegerField(choices=Severity.choices, null=True)  # null: nobody has said
    cvss_score = models.FloatField(null=True)
    cvss_vector = models.CharField(max_length=300, blank=True)
    url = models.TextField(null=True)  # where people read about it first
    references = models.JSONField(default=list)  # [{type, url}]
    digest = models.CharField(max_length=64)  # of the record as it was read

    objects = AdvisoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "advisories"
        constraints = [
            models.CheckConstraint(
                condition=Q(severity__isnull=True) | Q(severity__in=Severity.values),
                name="advisory_severity_known",
            ),
        ]
        indexes = [
            # serves: which record has this alias?
            GinIndex(fields=["aliases"], name="advisory_aliases"),
        ]

    def __str__(self) -> str:
        return self.osv_id


class AffectedPackage(models.Model):
    """What one record says of one package; the name is normalised as `ecosystems.normalised` does."""

    advisory = models.ForeignKey(Advisory, on_delete=models.CASCADE, related_name="affected")
    ecosystem = models.CharField(max_length=30)
    name = models.CharField(max_length=300)
    ranges = models.JSONField(default=list)  # [[{introduced|fixed|last_affected|limit: version}, ...], ...]
    versions = models.JSONField(default=list)  # versions that are named one by one
    undecidable = models.BooleanField(default=False)  # it names no version that can be compared, only commits

    class Meta:
        indexes = [
            # serves: matching, and which advisories name this package?
            models.Index(fields=["ecosystem", "name"], name="affectedpackage_package"),
        ]

    def __str__(self) -> str:
        return f"{self.ecosystem}/{self.name}"
