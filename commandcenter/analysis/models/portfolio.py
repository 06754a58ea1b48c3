"""How repositories stand now, and how portfolios stood each day: kept, so that a page over thousands is one read."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.analysis.models.analyses import Analysis
from commandcenter.inventory.models import Project, Repository


class StandingQuerySet(models.QuerySet["Standing"]):
    """Reads of standings."""

    def visible_to(
        self, user: User | AnonymousUser, *, token_projects: list[int] | None = None
    ) -> StandingQuerySet:
        """Standings of repositories that the user may see."""
        projects = Project.objects.visible_to(user, token_projects=token_projects)
        return self.filter(repository__project__in=projects)


class Standing(models.Model):
    """One repository as its default branch stands now. `commandcenter.analysis.portfolio.standings` alone writes it.

    What nobody has measured is null, never 0.
    """

    repository = models.OneToOneField(
        Repository, on_delete=models.CASCADE, primary_key=True, related_name="standing"
    )
    analysis = models.ForeignKey(
        Analysis, null=True, on_delete=models.SET_NULL, related_name="+"
    )  # the last one
    analysed_at = models.DateTimeField(null=True)
    last_status = models.CharField(
        max_length=10, blank=True
    )  # of the default branch's last analysis that ended, failed ones included
    committed_at = models.DateTimeField(null=True)
    critical = models.PositiveIntegerField(null=True)  # open findings that nobody suppressed
    high = models.PositiveIntegerField(null=True)
    medium = models.PositiveIntegerField(null=True)
    low = models.PositiveIntegerField(null=True)
    info = models.PositiveIntegerField(null=True)
    suppressed = models.PositiveIntegerField(null=True)
    lines_of_code = models.BigIntegerField(null=True)
    dependencies = models.PositiveIntegerField(null=True)
    vulnerable = models.PositiveIntegerField(null=True)  # dependencies with a known vulnerability
    policy = models.CharField(max_length=7, blank=True)  # how the last analysis was judged; empty: by nothing
    contributors = models.PositiveIntegerField(null=True)
    bus_factor = models.PositiveIntegerField(null=True)
    attention = models.PositiveIntegerField(default=0)  # the sum of the reasons' points
    reasons = models.JSONField(default=list)  # [{code, count, points}], most points first
    refreshed_at = models.DateTimeField(default=timezone.now)

    objects = StandingQuerySet.as_manager()

    class Meta:
        indexes = [
            # serves: the portfolio by what needs attention
            models.Index(fields=["-attention", "-repository"], name="standing_attention"),
        ]

    def __str__(self) -> str:
        return f"standing of repository {self.repository_id}"


class PortfolioDay(models.Model):
    """The sums over a project's repositories as they stood at the end of a day (of today: until now), in UTC."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="portfolio_days", db_index=False
    )
    day = models.DateField()
    repositories = models.PositiveIntegerField()
    analysed = (
        models.PositiveIntegerField()
    )  # of these; the sums below are over them, null where nobody measured any
    critical = models.PositiveIntegerField(null=True)
    high = models.PositiveIntegerField(null=True)
    medium = models.PositiveIntegerField(null=True)
    low = models.PositiveIntegerField(null=True)
    info = models.PositiveIntegerField(null=True)
    suppressed = models.PositiveIntegerField(null=True)
    lines_of_code = models.BigIntegerField(null=True)
    dependencies = models.PositiveBigIntegerField(null=True)

    class Meta:
        constraints = [
            # serves as well: the trend of one project
            models.UniqueConstraint(fields=["project", "day"], name="portfolioday_project_day_unique"),
        ]
        indexes = [
            # serves: the trend over all projects that one may see, and pruning
            models.Index(fields=["day"], name="portfolioday_day"),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} on {self.day}"
