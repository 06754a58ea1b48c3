"""The rules that engines report by, and the releases of engines that brought them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from commandcenter.analysis.models.results import Severity


class Rule(models.Model):
    """A rule that an engine may report, as it described it last; see `commandcenter.analysis.rules.catalogue`."""

    engine = models.CharField(max_length=30)
    rule_id = models.CharField(max_length=200)
    name = models.CharField(max_length=200)
    short = models.TextField()
    full = models.TextField(blank=True)
    help = models.TextField(blank=True)
    help_url = models.TextField(null=True)
    severity = models.SmallIntegerField(choices=Severity.choices)
    precision = models.CharField(max_length=10)
    cwe = ArrayField(models.CharField(max_length=20), default=list)
    tags = ArrayField(models.CharField(max_length=60), default=list)
    retired_at = models.DateTimeField(
        null=True
    )  # since when no engine here has it; it is kept for its findings

    class Meta:
        constraints = [
            # serves as well: GET /rules in the order of engines and ids
            models.UniqueConstraint(fields=["engine", "rule_id"], name="rule_engine_rule_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.engine}/{self.rule_id}"

    @property
    def why(self) -> str:
        """What `full` says beyond `short`."""
        return self.full.removeprefix(self.short).strip()


class EngineRelease(models.Model):
    """What one version of an engine in one configuration looks for; tells a new problem from a new rule."""

    engine = models.CharField(max_length=30)
    version = models.CharField(max_length=200)
    config = models.CharField(max_length=64, blank=True)  # a digest
    rule_ids = ArrayField(models.CharField(max_length=200), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["engine", "version", "config"], name="enginerelease_engine_version_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.version}"
