"""System checks: a job type whose handler cannot be used is found at start-up, not by the first job."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from jobs.handlers import time_limits
from jobs.models import JobType, LimitScope


def check_handlers(**_: Any) -> list[CheckMessage]:
    """Check that each entry of JOB_HANDLERS imports and fits."""
    found: list[CheckMessage] = []
    for job_type, path in settings.JOB_HANDLERS.items():
        if job_type not in JobType.values:
            found.append(
                Error(
                    f"JOB_HANDLERS names the job type {job_type!r}, which does not exist.",
                    hint=f"Known are {', '.join(JobType.values)}.",
                    id="jobs.E001",
                )
            )
            continue
        try:
            handler = import_string(path)()
        except Exception as error:  # noqa: BLE001  (whatever a handler's module raises, the start must name it)
            found.append(
                Error(
                    f"The handler of {job_type!r} cannot be made: {path} ({type(error).__name__}: {error}).",
                    id="jobs.E002",
                )
            )
            continue
        missing = [
            name for name in ("validate", "scope", "run") if not callable(getattr(handler, name, None))
        ]
        if missing or getattr(handler, "queue", None) not in settings.QUEUES:
            found.append(
                Error(
                    f"{path} is not a jobs.handlers.Handler.",
                    hint="It needs `validate`, `scope`, `run`, and a `queue` out of settings.QUEUES.",
                    id="jobs.E003",
                )
            )
    return found


def check_limits(**_: Any) -> list[CheckMessage]:
    """Check that each default limit names something that jobs have."""
    known = {*LimitScope.values, *JobType.values}
    return [
        Error(
            f"CC_JOB_LIMITS names {name!r}, which is neither a scope nor a job type.",
            hint=f"Known are {', '.join(sorted(known))}.",
            id="jobs.E006",
        )
        for name in settings.JOB_LIMITS
        if name not in known
    ]


def check_times(**_: Any) -> list[CheckMessage]:
    """Check that time limits and leases leave room for each other."""
    found: list[CheckMessage] = []
    for job_type in settings.JOB_HANDLERS:
        soft, hard = time_limits(job_type)
        if not 0 < soft < hard:
            found.append(
                Error(
                    f"The soft time limit of {job_type!r} ({soft} s) must be below the hard one ({hard} s).",
                    id="jobs.E004",
                )
            )
        if hard + 100 > int(str(settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"])):
            found.append(
                Error(
                    f"The hard time limit of {job_type!r} ({hard} s) is too near the broker's visibility timeout.",
                    hint="The broker would hand the message of a running job to a second worker.",
                    id="jobs.E005",
                )
            )
    if settings.JOB_HEARTBEAT_SECONDS * 3 > settings.JOB_LEASE_SECONDS:
        found.append(
            checks.Warning(
                "JOB_LEASE_SECONDS should hold at least three heartbeats, for two may be missed.",
                id="jobs.W001",
            )
        )
    return found
