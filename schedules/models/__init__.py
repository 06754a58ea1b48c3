"""The schedules, what became of each of their runs, and when nothing may run."""

from schedules.models.blackouts import Blackout
from schedules.models.firings import OPEN, Firing, FiringKind, FiringStatus
from schedules.models.schedules import (
    OUTCOME,
    UNSUCCESSFUL,
    MisfirePolicy,
    OverlapPolicy,
    Schedule,
    ScheduleQuerySet,
)
from schedules.models.ticker import Ticker

__all__ = [
    "OPEN",
    "OUTCOME",
    "UNSUCCESSFUL",
    "Blackout",
    "Firing",
    "FiringKind",
    "FiringStatus",
    "MisfirePolicy",
    "OverlapPolicy",
    "Schedule",
    "ScheduleQuerySet",
    "Ticker",
]
