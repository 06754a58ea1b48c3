"""The files that engines were to read and could not."""

from __future__ import annotations

from django.db import models

from commandcenter.analysis.models.results import ResultSet


class UnreadFile(models.Model):
    """A file whose content one engine does not know: it closes no finding there."""

    result_set = models.ForeignKey(
        ResultSet, on_delete=models.CASCADE, related_name="unread_files", db_index=False
    )
    engine = models.CharField(max_length=30)
    path = models.TextField()
    reason = models.TextField()

    class Meta:
        indexes = [
            # serves: the list of one analysis, and its end, which leaves findings in these files open
            models.Index(fields=["result_set", "id"], name="unreadfile_set_order"),
        ]

    def __str__(self) -> str:
        return f"{self.engine}: {self.path}"
