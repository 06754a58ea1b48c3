"""What one run of the engines found in one tree: written once, then only read or deleted."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import MD5, Coalesce
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


def with_purl(purl: str) -> models.Q:
    """Return the condition of a package by its purl: every version where it names none, any qualifiers and subpath."""
    condition = models.Q(purl=purl)
    for follows in "@?#":
        condition |= models.Q(purl__startswith=f"{purl}{follows}")
    return condition


class DependencyQuerySet(models.QuerySet["Dependency"]):
    """Reads of dependencies."""

    def current(self) -> DependencyQuerySet:
        """Those of each repository's default branch, from its last complete analysis.

        From its last partial one where no analysis was ever complete. The column `repository_id` is added.
        """
        from commandcenter.analysis.models.analyses import BranchLine

        lines = BranchLine.objects.filter(is_default=True)
        sets = lines.values(current_set=Coalesce("baseline__result_set_id", "latest__result_set_id"))
        owner = ResultSet.objects.filter(pk=OuterRef("result_set_id")).values("repository_id")
        return self.filter(result_set__in=sets).annotate(repository_id=Subquery(owner[:1]))


class Dependency(models.Model):
    """One third-party package of one lock file (or manifest without a lock) in a result set."""

    result_set = models.ForeignKey(
        ResultSet, on_delete=models.CASCADE, related_name="dependencies", db_index=False
    )
    purl = models.CharField(max_length=1000)
    ecosystem = models.CharField(max_length=30)
    name = models.CharField(max_length=300)
    version = models.CharField(max_length=200, null=True)
    requirement = models.CharField(max_length=1000, null=True)
    scope = models.CharField(max_length=12)
    direct = models.BooleanField(null=True)
    manifest = models.TextField()
    line = models.IntegerField(null=True)

    objects = DependencyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "dependencies"
        indexes = [
            # serves: the dependencies of an analysis
            models.Index(fields=["result_set", "id"], name="dependency_set_order"),
            # serves: who uses this package, in which version?
            models.Index(fields=["name", "ecosystem", "version"], name="dependency_package"),
            # serves: the same by purl, with and without its version
            models.Index(fields=["purl"], opclasses=["varchar_pattern_ops"], name="dependency_purl"),
        ]

    def __str__(self) -> str:
        return self.purl


class TechnologyUse(models.Model):
    """A technology seen in a result set: evidence is [{path, line}]."""

    result_set = models.ForeignKey(
        ResultSet, on_delete=models.CASCADE, related_name="technologies", db_index=False
    )
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=20)
    version = models.CharField(max_length=200, null=True)
    confidence = models.FloatField()
    evidence = models.JSONField(default=list)

    class Meta:
        constraints = [
            # serves as well: the technologies of an analysis
            models.UniqueConstraint(
                fields=["result_set", "name", "domain"], name="technologyuse_set_name_unique"
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="technologyuse_confidence_0_to_1"
            ),
        ]

    def __str__(self) -> str:
        return self.name


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
