"""The audit trail of what people decided about findings."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from commandcenter.analysis.models.findings import Finding


class FindingAction(models.Model):
    """One decision: who, when, what, and the values before and after. Holds the user's id and name: it outlives them."""

    class Kind(models.TextChoices):
        """What was done."""

        SUPPRESSED = "suppressed", "Suppressed"
        REOPENED = "reopened", "Reopened"
        EXPIRED = "expired", "Suppression expired"
        ASSIGNED = "assigned", "Assigned"
        COMMENTED = "commented", "Commented"

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="actions", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    actor_id = models.BigIntegerField(null=True)  # none: the system
    actor_name = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    comment = models.TextField(blank=True)

    class Meta:
        indexes = [
            # serves: the trail of one finding, in order
            models.Index(fields=["finding", "id"], name="findingaction_finding"),
            # serves: verdicts that are older than a decision
            models.Index(
                fields=["at"],
                condition=Q(kind__in=["suppressed", "reopened", "expired"]),
                name="findingaction_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.kind}"
