"""The fields of a schedule that say when it fires, read into a Timing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from schedules.timing.checking import faults
from schedules.timing.model import LAST_DAY, Frequency, Gap, Overlap, Timing
from schedules.timing.patterns import LONGEST
from schedules.timing.words import WEEKDAYS

LAST = "last"
_DAYS = {name.lower(): number for number, name in enumerate(WEEKDAYS, 1)}
_DAYS |= {name[:3]: number for name, number in _DAYS.items()}


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 7})
class WeekdayField(serializers.Field[int, Any, int, Any]):
    """A day of the week: 1 (Monday) to 7 (Sunday) as in ISO 8601, or its English name; written as a number."""

    def to_internal_value(self, data: Any) -> int:
        """Raise ValidationError for what is no day; 0 is none, because it is Sunday for some and Monday for others."""
        if isinstance(data, str):
            data = int(data) if data in set("1234567") else _DAYS.get(data.lower())
        if isinstance(data, bool) or data not in range(1, 8):
            raise ValidationError("Give 1 (Monday) to 7 (Sunday), or a name such as monday.", code="invalid")
        return int(data)

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field({"oneOf": [{"type": "integer", "minimum": 1, "maximum": 31}, {"const": LAST}]})
class MonthDayField(serializers.Field[int, Any, "int | str", Any]):
    """A day of the month: 1 to 31, or "last"."""

    def to_internal_value(self, data: Any) -> int:
        """Raise ValidationError for what is no day."""
        if data == LAST:
            return LAST_DAY
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) < 3:
            data = int(data)
        if isinstance(data, bool) or data not in range(1, 32):
            raise ValidationError('Give 1 to 31, or "last".', code="invalid")
        return int(data)

    def to_representation(self, value: int) -> int | str:
        return LAST if value == LAST_DAY else value


class TimingFields(serializers.Serializer[Any]):
    """When a schedule fires. What its frequency does not use is left out or null."""

    frequency = serializers.ChoiceField(choices=[each.value for each in Frequency])
    timezone = serializers.CharField(max_length=64, default="UTC")
    cron = serializers.CharField(max_length=LONGEST, allow_blank=True, default="")
    interval_seconds = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, allow_null=True, default=None
    )
    run_at = serializers.DateTimeField(allow_null=True, default=None)
    time = serializers.TimeField(allow_null=True, default=None)
    weekday = WeekdayField(allow_null=True, default=None)
    month_day = MonthDayField(allow_null=True, default=None)
    window_start = serializers.TimeField(allow_null=True, default=None)
    window_end = serializers.TimeField(allow_null=True, default=None)
    starts_at = serializers.DateTimeField(allow_null=True, default=None)
    ends_at = serializers.DateTimeField(allow_null=True, default=None)
    dst_gap = serializers.ChoiceField(
        choices=[each.value for each in Gap],
        default=Gap.RUN,
        help_text="A fixed time that the clock jumps over: run when the gap ends, or skip.",
    )
    dst_overlap = serializers.ChoiceField(
        choices=[each.value for each in Overlap],
        default=Overlap.FIRST,
        help_text="A fixed time that the clock shows twice: run at the first, or at both.",
    )


def check(timing: Timing, now: datetime) -> None:
    """Raise ValidationError naming each field that is wrong, or that keeps it from firing after `now`."""
    if found := faults(timing, now):
        raise ValidationError({fault.field: ErrorDetail(fault.message, code=fault.code) for fault in found})
