"""The rows of this app: jobs with their runs and events, and what operators set and see around them."""

from jobs.models.archive import ArchiveFile, ArchiveState, PruneMark
from jobs.models.jobs import (
    ACTIVE,
    FOREGROUND,
    TERMINAL,
    Job,
    JobEvent,
    JobEventType,
    JobQuerySet,
    JobRun,
    JobStatus,
    JobType,
    OriginKind,
)
from jobs.models.limits import JobLimit, LimitScope, QueueControl
from jobs.models.platform import JobTypeTotal, PlatformCount
from jobs.models.statistics import JobDay, JobTotal, Tally
from jobs.models.terms import JobTerm, Term, TermKind
from jobs.models.workers import Worker

__all__ = [
    "ACTIVE",
    "FOREGROUND",
    "TERMINAL",
    "ArchiveFile",
    "ArchiveState",
    "Job",
    "JobDay",
    "JobEvent",
    "JobEventType",
    "JobLimit",
    "JobQuerySet",
    "JobRun",
    "JobStatus",
    "JobTerm",
    "JobTotal",
    "JobType",
    "JobTypeTotal",
    "LimitScope",
    "OriginKind",
    "PlatformCount",
    "PruneMark",
    "QueueControl",
    "Tally",
    "Term",
    "TermKind",
    "Worker",
]
