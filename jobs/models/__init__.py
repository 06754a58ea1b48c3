"""The rows of this app: jobs with their runs and events, and what operators set and see around them."""

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
from jobs.models.workers import Worker

__all__ = [
    "ACTIVE",
    "FOREGROUND",
    "TERMINAL",
    "Job",
    "JobEvent",
    "JobEventType",
    "JobLimit",
    "JobQuerySet",
    "JobRun",
    "JobStatus",
    "JobType",
    "LimitScope",
    "OriginKind",
    "QueueControl",
    "Worker",
]
