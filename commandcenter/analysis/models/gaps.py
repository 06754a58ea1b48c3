"""What checks of good practice found in a result set: written once, then only read or deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from commandcenter.analysis.models.results import ResultSet, Severity


class CheckStatus(models.TextChoices):
    """How a check ended."""

    PASSED = "passed", "Passed"
    GAP = "gap", "Gap"
    NOT_APPLICABLE = "not_applicable", "Not applicable"
    UNKNOWN = "unknown", "Unknown"


class GapCheck(models.Model):
    """One check of one result set. `gaps` counts all that it found, of which at most 50 are rows."""

    result_set = models.ForeignKey(
        ResultSet, on_delete=models.CASCADE, related_name="gap_checks", db_index=False
    )
    check_id = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=14, choices=CheckStatus.choices)
    looked_at = models.IntegerField()
    gaps = models.IntegerField()
    detail = models.TextField(blank=True)

    class Meta:
        constraints = [
            # serves as well: the checks of an analysis
            models.UniqueConstraint(fields=["result_set", "check_id"], name="gapcheck_set_check_unique"),
            models.CheckConstraint(condition=Q(status__in=CheckStatus.values), name="gapcheck_status_known"),
        ]

    def __str__(self) -> str:
        return self.check_id


class Gap(models.Model):
    """What a repository has not, or does unsafely; evidence is [{path, line}]."""

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="gaps", db_index=False)
    check_id = models.CharField(max_length=60)
    subject = models.CharField(max_length=300)
    title = models.CharField(max_length=200)
    severity = models.SmallIntegerField(choices=Severity.choices)
    reason = models.TextField()
    remedy = models.TextField()
    evidence = models.JSONField(default=list)

    class Meta:
        indexes = [
            # serves: the gaps of an analysis, the worst first
            models.Index(fields=["result_set", "-severity", "id"], name="gap_set_severity"),
        ]

    def __str__(self) -> str:
        return f"{self.check_id}: {self.subject}"
