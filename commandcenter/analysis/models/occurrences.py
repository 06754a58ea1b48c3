"""Where result sets saw findings."""

from __future__ import annotations

from django.db import models

from commandcenter.analysis.models.results import ResultSet, Severity
from commandcenter.analysis.models.rules import Rule


class Occurrence(models.Model):
    """Where a result set saw a finding: the lines as they were in that tree."""

    result_set = models.ForeignKey(
        ResultSet, on_delete=models.CASCADE, related_name="occurrences", db_index=False
    )
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="+")
    fingerprint = models.CharField(max_length=80)
    severity = models.SmallIntegerField(choices=Severity.choices)
    message = models.TextField()
    path = models.TextField()
    start_line = models.IntegerField()
    end_line = models.IntegerField()
    start_column = models.IntegerField(null=True)
    end_column = models.IntegerField(null=True)
    inline_suppressed = models.BooleanField(default=False)
    content = models.BigIntegerField(null=True)  # digest of its lines; null where the engine gave none
    correlation = models.CharField(max_length=32, null=True)  # HMAC of the secret; see analysis.correlation

    class Meta:
        constraints = [
            # serves as well: matching by the lifecycle
            models.UniqueConstraint(
                fields=["result_set", "fingerprint"], name="occurrence_set_fingerprint_unique"
            ),
        ]
        indexes = [
            # serves: findings of an analysis and exports, severity by severity
            models.Index(fields=["result_set", "severity", "id"], name="occurrence_set_severity"),
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.start_line}"
