"""The words that jobs are found by: each text once a project, and its jobs in the order of lists.

A filter on a JSON column would read every match to find the newest hundred; these rows lie in list order, so that a
tag that only the oldest jobs carry costs what any other costs. Triggers on jobs_job keep them (see the migration), so
that they are right whoever writes a job.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from commandcenter.inventory.models import Project
from jobs.models.jobs import Job


class TermKind(models.TextChoices):
    """Where a text comes from."""

    TAG = "t", "Tag"  # key:value
    ERROR = "e", "Error"  # code: message, its first 500 characters


class Term(models.Model):
    """One text of one project.

    `hash` is made from project, kind and body, so that transactions which bring the same new text never wait for
    each other; both may then write it, and readers take each hash once.
    """

    hash = models.BigIntegerField()
    # Both references end in the database, and not by Django's collector: rows are many, and nobody listens for them.
    project = models.ForeignKey(
        Project, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=1, choices=TermKind.choices)
    body = models.CharField(max_length=500)

    class Meta:
        indexes = [
            # serves: the trigger, which asks whether a text is known
            models.Index(fields=["hash"], name="jobterm_hash"),
            # serves: GET /jobs?tag=key:value
            models.Index(fields=["body", "kind"], name="jobterm_body"),
            # serves: GET /jobs?search=, any part of the text
            GinIndex(fields=["body"], name="jobterm_search", opclasses=["gin_trgm_ops"]),
            # serves: the end of a project
            models.Index(fields=["project"], name="jobterm_project"),
        ]

    def __str__(self) -> str:
        return self.body


class JobTerm(models.Model):
    """One text of one job. The key is the order of lists within a text."""

    pk = models.CompositePrimaryKey("term", "created_at", "job")
    term = models.BigIntegerField()  # Term.hash
    created_at = models.DateTimeField()  # the job's
    job = models.ForeignKey(
        Job, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        indexes = [
            # serves: the end of a job, and a change of its texts
            models.Index(fields=["job"], name="jobterm_job"),
            # serves: GET /jobs?search= where very many different texts hold what is searched for
            models.Index(fields=["-created_at", "-job"], include=["term"], name="jobterm_recent"),
        ]

    def __str__(self) -> str:
        return f"job {self.job_id} has {self.term}"
