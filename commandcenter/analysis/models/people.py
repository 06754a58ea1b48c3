"""Who worked on what a result set is of."""

from __future__ import annotations

from django.db import models

from commandcenter.analysis.models.results import ResultSet


class Contributor(models.Model):
    """One person inside the history window, without their address: `digest` stands for it in every repository.

    Rows are written in the order of changes, so that within a set the order of ids is that order.
    """

    result_set = models.ForeignKey(ResultSet, on_delete=models.CASCADE, related_name="people", db_index=False)
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=16)
    commits = models.IntegerField()
    changes = models.IntegerField()  # commits that touched a file which still exists
    added = models.BigIntegerField(null=True)  # lines of such files; null where lines were not counted
    deleted = models.BigIntegerField(null=True)
    first_commit_at = models.DateTimeField()
    last_commit_at = models.DateTimeField()

    class Meta:
        indexes = [
            # serves: GET /analyses/{id}/contributors, most changes first
            models.Index(fields=["result_set", "id"], name="contributor_set_order"),
        ]

    def __str__(self) -> str:
        return self.name
