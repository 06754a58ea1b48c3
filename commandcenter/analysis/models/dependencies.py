"""The packages that a result set uses."""

from __future__ import annotations

from django.db import models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from commandcenter.analysis.models.results import ResultSet


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
