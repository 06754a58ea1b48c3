"""Runs Celery in a process whose wall clock is off: `python -m tests.faults.skewed SECONDS ARGUMENTS...`.

An environment fault, not a stand-in for any code of ours: `time.time` and `datetime.now` are shifted before anything
else is imported, as on a machine whose clock is wrong. Monotonic clocks, as there, go on undisturbed.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import Any

_real_time = time.time
_real_datetime = dt.datetime


def shift(seconds: float) -> None:
    """Move this process's wall clock."""
    offset = dt.timedelta(seconds=seconds)

    class RealDatetimes(type):
        """Makes real datetimes and takes every one for an instance: the rest of the process must see no other type."""

        def __call__(cls, *arguments: Any, **names: Any) -> Any:
            return _real_datetime(*arguments, **names)

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, _real_datetime)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, _real_datetime)

    class Shifted(_real_datetime, metaclass=RealDatetimes):
        """The real class with another `now`."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return _real_datetime.now(tz) + offset

        @classmethod
        def utcnow(cls) -> Any:
            return _real_datetime.now(dt.UTC).replace(tzinfo=None) + offset

        @classmethod
        def today(cls) -> Any:
            return cls.now()

    time.time = lambda: _real_time() + seconds
    dt.datetime = Shifted  # type: ignore[misc]


if __name__ == "__main__":
    shift(float(sys.argv.pop(1)))
    from commandcenter.celery_process import main

    main(sys.argv[1:])
