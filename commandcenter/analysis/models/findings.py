"""What lives on from one analysis to the next: findings and their changes."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import ExpressionWrapper, Q
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.analysis.models.analyses import Analysis, BranchLine
from commandcenter.analysis.models.results import Severity
from commandcenter.analysis.models.rules import Rule
from commandcenter.inventory.models import Project, Repository


class FindingState(models.TextChoices):
    """The life of a finding on one branch line."""

    NEW = "new", "New"
    EXISTING = "existing", "Existing"
    REOPENED = "reopened", "Reopened"
    FIXED = "fixed", "Fixed"


class Cause(models.TextChoices):
    """Why a finding came or went: the code changed, or what is looked for did."""

    CODE = "code", "The code changed"
    RULE = "rule", "A rule or its engine changed"


class SuppressionKind(models.TextChoices):
    """Why people decided to leave a finding as it is."""

    FALSE_POSITIVE = "false_positive", "False positive"
    ACCEPTED_RISK = "accepted_risk", "Accepted risk"
    WONT_FIX = "wont_fix", "Will not be fixed"
    USED_IN_TESTS = "used_in_tests", "Used in tests"


class FindingQuerySet(models.QuerySet["Finding"]):
    """Reads of findings."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> FindingQuerySet:
        """Findings in projects that the user may see."""
        projects = Project.objects.visible_to(user, token_projects=token_projects)
        return self.filter(repository__project__in=projects)

    def open(self) -> FindingQuerySet:
        """Findings that the last analysis which looked for them still saw."""
        return self.exclude(state=FindingState.FIXED)

    def suppressed(self) -> FindingQuerySet:
        """Findings that a comment in the code or a decision in force silences, by the database's time."""
        return self.filter(Q(inline_suppressed=True) | decision_in_force())

    def unsuppressed(self) -> FindingQuerySet:
        """The others: what gates and worries are about."""
        return self.filter(~decision_in_force(), inline_suppressed=False)

    def at_this_moment(self) -> FindingQuerySet:
        """Add `expired`: whether a suppression has run out, by the database's time; null for one that never does."""
        ran_out = Q(suppressed_until__isnull=False, suppressed_until__lte=Now())
        return self.annotate(expired=ExpressionWrapper(ran_out, output_field=models.BooleanField()))

    def on_default_branches(self) -> FindingQuerySet:
        """Findings of each repository's default branch."""
        return self.filter(branch_line__is_default=True)


def decision_in_force() -> Q:
    """Return the condition "someone decided to suppress it, and that has not expired", by the database's time."""
    lasting = Q(suppressed_until__isnull=True) | Q(suppressed_until__gt=Now())
    return ~Q(suppression_kind="") & lasting


class Finding(models.Model):
    """One problem on one branch line, followed by its fingerprint from first to last sight.

    `commandcenter.analysis.findings.lifecycle` alone writes `state`, `commandcenter.analysis.triage` alone what people decide.
    `last_seen` of an open finding is as old as its last change: an unchanged repository writes no rows. Read it
    through `rows.last_seen`.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="findings")
    branch_line = models.ForeignKey(
        BranchLine, on_delete=models.CASCADE, related_name="findings", db_index=False
    )
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="findings")
    fingerprint = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=FindingState.choices, default=FindingState.NEW)
    severity = models.SmallIntegerField(choices=Severity.choices)
    message = models.TextField()
    path = models.TextField()
    start_line = models.IntegerField()
    end_line = models.IntegerField()
    inline_suppressed = models.BooleanField(default=False)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    first_analysis = models.ForeignKey(Analysis, null=True, on_delete=models.SET_NULL, related_name="+")
    unread = models.BooleanField(
        db_default=False
    )  # open, in a file that its engine could not read since `last_seen`
    content = models.BigIntegerField(null=True)  # digest of its lines; null where the engine gave none
    correlation = models.CharField(max_length=32, null=True)  # HMAC of the secret; see analysis.correlation
    origin = models.CharField(max_length=4, choices=Cause.choices, default=Cause.CODE)
    # On other branches: the same finding on the default one, whose decisions hold here until others are made here.
    counterpart = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    suppression_kind = models.CharField(max_length=20, choices=SuppressionKind.choices, blank=True)
    suppression_reason = models.TextField(blank=True)
    suppressed_by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    suppressed_at = models.DateTimeField(null=True)
    suppressed_until = models.DateTimeField(null=True)
    decided = models.BooleanField(default=False)  # suppressed or reopened here, not by way of the counterpart
    assignee = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    assigned = models.BooleanField(default=False)  # decided here, "nobody" included

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            # serves as well: matching by the lifecycle
            models.UniqueConstraint(
                fields=["branch_line", "fingerprint"], name="finding_line_fingerprint_unique"
            ),
            models.CheckConstraint(condition=Q(state__in=FindingState.values), name="finding_state_known"),
            models.CheckConstraint(condition=Q(origin__in=Cause.values), name="finding_origin_known"),
            models.CheckConstraint(
                condition=Q(suppression_kind__in=["", *SuppressionKind.values]),
                name="finding_suppression_known",
            ),
        ]
        indexes = [
            # serves: GET /findings?repository=&state=
            models.Index(fields=["repository", "state", "-id"], name="finding_repository_state"),
            # serves: GET /findings?severity=&state= over the portfolio
            models.Index(fields=["severity", "state", "-id"], name="finding_severity_state"),
            # serves: GET /findings?suppressed=true over the portfolio, newest first
            models.Index(
                fields=["-id"],
                condition=Q(inline_suppressed=True) | ~Q(suppression_kind=""),
                name="finding_silenced",
            ),
            # serves: how many are suppressed on a line
            models.Index(
                fields=["branch_line", "-id"], condition=~Q(suppression_kind=""), name="finding_suppressed"
            ),
            # serves: the same secret elsewhere
            models.Index(
                fields=["correlation", "-id"],
                condition=Q(correlation__isnull=False),
                name="finding_correlation",
            ),
            # serves: how many findings of a rule are open
            models.Index(
                fields=["rule", "repository"],
                condition=~Q(state="fixed") & Q(inline_suppressed=False),
                name="finding_rule_open",
            ),
            # serves: suppressions that have expired
            models.Index(
                fields=["suppressed_until"],
                condition=Q(suppressed_until__isnull=False),
                name="finding_suppressed_until",
            ),
            # serves: open findings that an analysis could not see, for its verdict
            models.Index(fields=["branch_line"], condition=Q(unread=True), name="finding_unread"),
            # serves: GET /findings?assignee=
            models.Index(
                fields=["assignee", "-id"], condition=Q(assignee__isnull=False), name="finding_assignee"
            ),
            # serves: decisions of the default branch that hold on others; deletion
            models.Index(
                fields=["counterpart"], condition=Q(counterpart__isnull=False), name="finding_counterpart"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.start_line}"


class FindingTransition(models.Model):
    """The change of state that one analysis made to one finding."""

    analysis = models.ForeignKey(
        Analysis, on_delete=models.CASCADE, related_name="transitions", db_index=False
    )
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="transitions")
    from_state = models.CharField(max_length=10, choices=FindingState.choices, blank=True)
    to_state = models.CharField(max_length=10, choices=FindingState.choices)
    reason = models.CharField(max_length=4, choices=Cause.choices, default=Cause.CODE)

    class Meta:
        constraints = [
            # serves as well: what an analysis changed
            models.UniqueConstraint(
                fields=["analysis", "finding"], name="transition_analysis_finding_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} -> {self.to_state}"


class FindingMove(models.Model):
    """A finding that kept its life under another fingerprint: where it was, until the analysis with this ticket.

    Earlier analyses of the line saw it under `fingerprint`; `commandcenter.analysis.findings.identity` finds it for them.
    """

    class Kind(models.TextChoices):
        """What changed around it."""

        RENAMED = "renamed", "Its file was renamed or moved"
        SHIFTED = "shifted", "Equal lines beside it came or went"
        EDITED = "edited", "Its own lines were edited"
        REPLACED = "replaced", "Another finding took its place after it was fixed"

    branch_line = models.ForeignKey(BranchLine, on_delete=models.CASCADE, related_name="+", db_index=False)
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="moves")
    analysis = models.ForeignKey(Analysis, null=True, on_delete=models.SET_NULL, related_name="+")
    ticket = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    fingerprint = models.CharField(max_length=80)
    path = models.TextField()
    start_line = models.IntegerField()

    class Meta:
        indexes = [
            # serves: which finding an earlier analysis meant by a fingerprint
            models.Index(fields=["branch_line", "fingerprint", "ticket"], name="findingmove_fingerprint"),
        ]

    def __str__(self) -> str:
        return f"{self.path}:{self.start_line} ({self.kind})"
