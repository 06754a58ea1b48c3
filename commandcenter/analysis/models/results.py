"""What one run of the engines found in one tree: written once, then only read or deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5
from django.utils import timezone

from commandcenter.inventory.models import Repository
from jobs.models import Job


class Severity(models.IntegerChoices):
    """Severity as an order, so that lists sort by it in the index."""

    INFO = 0, "info"
    LOW = 1, "low"
    MEDIUM = 2, "medium"
    HIGH = 3, "high"
    CRITICAL = 4, "critical"


class ResultSetStatus(models.TextChoices):
    """Whether a result set can be seen, and shared."""

    WRITING = "writing", "Being written"  # no analysis refers to it yet
    COMPLETE = "complete", "Complete"
    PARTIAL = "partial", "Partial"  # an engine failed or was missing; never shared
    SUPERSEDED = "superseded", "Superseded"  # complete, but a forced analysis of the same key came after it


class ResultSet(models.Model):
    """The rows that the engines gave for one commit. Visible once an analysis refers to it."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="result_sets")
    key = models.CharField(max_length=64)  # sha256 of commit, tree, engine set, limits and correlation key
    tree = models.CharField(max_length=64)
    commit = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=ResultSetStatus.choices, default=ResultSetStatus.WRITING)
    writer = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    attempt = models.PositiveIntegerField(default=1)  # of the writer: a later one removes what this one left
    summary = models.JSONField(default=dict)  # the engine's totals, before any baseline
    engines = models.JSONField(default=list)  # one report per planned engine
    complex_functions = models.JSONField(default=list)  # the most complex ones, at most 200
    suppressed = models.PositiveIntegerField(default=0)  # findings that a comment in the code silences
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=ResultSetStatus.values), name="resultset_status_known"
            ),
            # serves as well: find the set that an unchanged repository can share
            models.UniqueConstraint(
                fields=["repository", "key"],
                condition=Q(status=ResultSetStatus.COMPLETE),
                name="resultset_repository_key_unique",
            ),
        ]
        indexes = [
            # serves: remove what lost attempts left behind
            models.Index(
                fields=["writer"], condition=Q(status=ResultSetStatus.WRITING), name="resultset_unfinished"
            ),
        ]

    def __str__(self) -> str:
        return f"results of {self.commit[:12]}"


class AnalysedFile(models.Model):
    """All that is known of one file in a result set; null where no engine said anything.

    Rows are written in path order, so that within a set the order of ids is the order of paths.
    """

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="files", db_index=False)
    path = models.TextField()
    blob = models.CharField(max_length=64)
    size = models.BigIntegerField()
    language = models.CharField(max_length=80, null=True)
    kind = models.CharField(max_length=12)
    binary = models.BooleanField(default=False)
    vendored = models.BooleanField(default=False)
    generated = models.BooleanField(default=False)
    code = models.IntegerField(null=True)
    comments = models.IntegerField(null=True)
    blanks = models.IntegerField(null=True)
    functions = models.IntegerField(null=True)
    complexity = models.IntegerField(null=True)
    max_complexity = models.IntegerField(null=True)
    commits = models.IntegerField(null=True)
    churn = models.IntegerField(null=True)
    last_commit_at = models.DateTimeField(null=True)
    heat = models.FloatField(null=True)  # commits x complexity: where change meets difficulty

    class Meta:
        constraints = [
            # by digest: a path may be longer than an index entry
            models.UniqueConstraint(F("result_set"), MD5("path"), name="analysedfile_set_path_unique"),
        ]
        indexes = [
            # serves: GET /analyses/{id}/files in path order
            models.Index(fields=["result_set", "id"], name="analysedfile_set_order"),
            # serves: the hottest files of an analysis
            models.Index(
                F("result_set"),
                F("heat").desc(),
                F("id"),
                condition=Q(heat__gt=0),
                name="analysedfile_set_heat",
            ),
        ]

    def __str__(self) -> str:
        return self.path
