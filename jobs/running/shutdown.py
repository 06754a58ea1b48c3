"""Whether this worker was told to stop, and how long its jobs may go on: known to every process of its pool.

The moment lies in memory which the pool's processes share with the main one, since they fork from it. A signal would have
to reach each of them, and would end one that is just starting.
"""

from __future__ import annotations

import mmap
import struct
import time

_MOMENT = struct.Struct(
    "=d"
)  # of time.monotonic(), which all processes of a machine share; 0: nobody said stop
_shared = mmap.mmap(-1, _MOMENT.size)


def begin(seconds: float) -> None:
    """Say that the jobs of this worker may go on for so long. An earlier moment that was set already stands."""
    moment = time.monotonic() + seconds
    known = _moment()
    _MOMENT.pack_into(_shared, 0, min(moment, known) if known else moment)


def begun() -> bool:
    """True once this worker was told to stop."""
    return _moment() > 0


def grace_over() -> bool:
    """True when a job which still runs here has to be handed back."""
    moment = _moment()
    return 0 < moment <= time.monotonic()


def _moment() -> float:
    found: float = _MOMENT.unpack_from(_shared, 0)[0]
    return found
