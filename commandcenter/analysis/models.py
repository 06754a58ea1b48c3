"""Analyses, the immutable result sets that they share, and the findings that live on across them.

An Analysis is one row per job. What was found belongs to a ResultSet, shared by every analysis of the same tree with
the same engines and configuration. A Finding is one row per repository, branch line and fingerprint; an analysis
that changes its state leaves a FindingTransition, and an analysis that changes nothing leaves none.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Project, Repository
from jobs.models import Job


class AnalysisStatus(models.TextChoices):
    """How an analysis stands. Partial: it ended, but an engine failed or was missing."""

    RUNNING = "running", "Running"
    COMPLETE = "complete", "Complete"
    PARTIAL = "partial", "Partial"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Severity(models.IntegerChoices):
    """Severity as an order, so that lists sort by it in the index."""

    INFO = 0, "info"
    LOW = 1, "low"
    MEDIUM = 2, "medium"
    HIGH = 3, "high"
    CRITICAL = 4, "critical"


class FindingState(models.TextChoices):
    """The life of a finding on one branch line."""

    NEW = "new", "New"
    EXISTING = "existing", "Existing"
    REOPENED = "reopened", "Reopened"
    FIXED = "fixed", "Fixed"


class ResultSet(models.Model):
    """What one run of the engines found in one tree. Written once, then only read or deleted."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="result_sets")
    key = models.CharField(max_length=64)  # sha256 of commit, tree, engine set and limits
    tree = models.CharField(max_length=64)
    commit = models.CharField(max_length=64)
    complete = models.BooleanField()  # false: an engine failed or was missing; never shared
    summary = models.JSONField(default=dict)  # CONTRACT Analysis.summary, without what depends on a baseline
    engines = models.JSONField(default=list)  # CONTRACT Analysis.engines
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # serves as well: find the set that an unchanged repository can share
            models.UniqueConstraint(
                fields=["repository", "key"],
                condition=Q(complete=True),
                name="resultset_repository_key_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"results of {self.commit[:12]}"


class BranchLine(models.Model):
    """One branch of a repository as its findings see it: the last analysis and the last complete one."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="branch_lines")
    name = models.CharField(max_length=255)
    is_default = models.BooleanField(default=False)
    latest = models.ForeignKey("Analysis", null=True, on_delete=models.SET_NULL, related_name="+")
    baseline = models.ForeignKey("Analysis", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "name"], name="branchline_repository_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class AnalysisQuerySet(models.QuerySet["Analysis"]):
    """Reads of analyses."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> AnalysisQuerySet:
        """Analyses of projects that the user may see."""
        return self.filter(project__in=Project.objects.visible_to(user, token_projects=token_projects))

    def ended(self) -> AnalysisQuerySet:
        """Analyses with results: complete or partial."""
        return self.filter(status__in=[AnalysisStatus.COMPLETE, AnalysisStatus.PARTIAL])


class Analysis(models.Model):
    """One run of the engines over one ref of a repository, made by one job."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="analyses")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="analyses")
    job = models.OneToOneField(Job, null=True, on_delete=models.SET_NULL, related_name="analysis")
    branch_line = models.ForeignKey(BranchLine, null=True, on_delete=models.SET_NULL, related_name="analyses")
    result_set = models.ForeignKey(ResultSet, null=True, on_delete=models.PROTECT, related_name="analyses")
    baseline = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    status = models.CharField(max_length=10, choices=AnalysisStatus.choices, default=AnalysisStatus.RUNNING)
    ref = models.CharField(max_length=255, blank=True)  # as it was asked for, or the branch that was found
    commit = models.CharField(max_length=64, blank=True)
    tree = models.CharField(max_length=64, blank=True)
    committed_at = models.DateTimeField(null=True)
    delta = models.JSONField(
        default=dict
    )  # {new, fixed, reopened, existing, suppressed} against the baseline
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True)

    objects = AnalysisQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "analyses"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=AnalysisStatus.values), name="analysis_status_known"
            ),
        ]
        indexes = [
            # serves: GET /analyses?repository=, newest first
            models.Index(fields=["repository", "-id"], name="analysis_repository_recent"),
            # serves: GET /analyses?project=&status=, newest first
            models.Index(fields=["project", "status", "-id"], name="analysis_project_status"),
            # serves: GET /analyses?project=, newest first
            models.Index(fields=["project", "-id"], name="analysis_project_recent"),
        ]

    def __str__(self) -> str:
        return f"analysis #{self.pk}"


class AnalysedFile(models.Model):
    """All that is known of one file in a result set; null where no engine said anything."""

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="files")
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
            # serves as well: GET /analyses/{id}/files by path
            models.UniqueConstraint(fields=["result_set", "path"], name="analysedfile_set_path_unique"),
        ]
        indexes = [
            # serves: the hottest files of an analysis
            models.Index(F("result_set"), F("heat").desc(nulls_last=True), name="analysedfile_set_heat"),
        ]

    def __str__(self) -> str:
        return self.path


class Dependency(models.Model):
    """One third-party package of one lock file (or manifest without a lock) in a result set."""

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="dependencies")
    purl = models.TextField()
    ecosystem = models.CharField(max_length=30)
    name = models.CharField(max_length=300)
    version = models.CharField(max_length=200, null=True)
    requirement = models.TextField(null=True)
    scope = models.CharField(max_length=12)
    direct = models.BooleanField(null=True)
    manifest = models.TextField()
    line = models.IntegerField(null=True)

    class Meta:
        verbose_name_plural = "dependencies"
        indexes = [
            # serves: who uses this package, in which version?
            models.Index(fields=["name", "ecosystem", "version"], name="dependency_package"),
        ]

    def __str__(self) -> str:
        return self.purl


class TechnologyUse(models.Model):
    """A technology seen in a result set: evidence is [{path, line}]."""

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="technologies")
    name = models.CharField(max_length=200)
    domain = models.CharField(max_length=20)
    version = models.CharField(max_length=200, null=True)
    confidence = models.FloatField()
    evidence = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["result_set", "name"], name="technologyuse_set_name_unique"),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="technologyuse_confidence_0_to_1"
            ),
        ]
        indexes = [
            # serves: GET /technologies/{id}/usage
            models.Index(fields=["name"], name="technologyuse_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """A rule that has reported something, as its engine described it last."""

    engine = models.CharField(max_length=30)
    rule_id = models.CharField(max_length=120)
    name = models.CharField(max_length=200)
    short = models.TextField()
    full = models.TextField(blank=True)
    help = models.TextField(blank=True)
    help_url = models.TextField(null=True)
    severity = models.SmallIntegerField(choices=Severity.choices)
    precision = models.CharField(max_length=10)
    cwe = ArrayField(models.CharField(max_length=20), default=list)
    tags = ArrayField(models.CharField(max_length=60), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engine", "rule_id"], name="rule_engine_rule_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.engine}/{self.rule_id}"


class Finding(models.Model):
    """One problem on one branch line, followed by its fingerprint from first to last sight."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="findings")
    branch_line = models.ForeignKey(BranchLine, on_delete=models.CASCADE, related_name="findings")
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="findings")
    fingerprint = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=FindingState.choices, default=FindingState.NEW)
    severity = models.SmallIntegerField(choices=Severity.choices)
    message = models.TextField()
    path = models.TextField()
    start_line = models.IntegerField()
    end_line = models.IntegerField()
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    first_analysis = models.ForeignKey(Analysis, null=True, on_delete=models.SET_NULL, related_name="+")
    last_analysis = models.ForeignKey(Analysis, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            # serves as well: matching by the lifecycle
            models.UniqueConstraint(
                fields=["branch_line", "fingerprint"], name="finding_line_fingerprint_unique"
            ),
            models.CheckConstraint(condition=Q(state__in=FindingState.values), name="finding_state_known"),
        ]
        indexes = [
            # serves: GET /findings?repository=&state=
            models.Index(fields=["repository", "state", "-id"], name="finding_repository_state"),
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.start_line}"


class Occurrence(models.Model):
    """Where a result set saw a finding: the lines as they were in that tree."""

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="occurrences")
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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["result_set", "fingerprint"], name="occurrence_set_fingerprint_unique"
            ),
        ]
        indexes = [
            # serves: findings of an analysis, worst first
            models.Index(fields=["result_set", "-severity", "id"], name="occurrence_set_severity"),
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.start_line}"


class FindingTransition(models.Model):
    """The change of state that one analysis made to one finding."""

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="transitions")
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="transitions")
    from_state = models.CharField(max_length=10, choices=FindingState.choices, blank=True)
    to_state = models.CharField(max_length=10, choices=FindingState.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["analysis", "finding"], name="transition_analysis_finding_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"
