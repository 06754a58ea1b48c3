"""Shows a job's progress on a terminal while this process runs it: a bar, or plain lines where nobody watches."""

from __future__ import annotations

import shutil
import threading
import time
from types import TracebackType
from typing import Self, TextIO

from django.db import connection

from jobs.models import JobRun

LOOK_SECONDS = 0.2
LINE_SECONDS = 5.0  # between two plain lines of one step
BAR_WIDTH = 28


class Progress:
    """Reads the job's row from a thread of its own, on a connection of its own."""

    def __init__(self, job_id: int, stream: TextIO) -> None:
        self._job_id = job_id
        self._stream = stream
        self._bar = stream.isatty()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)
        self._shown: tuple[int, str] | None = None
        self._line_at = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        if self._bar and self._shown is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _watch(self) -> None:
        try:
            while not self._stop.wait(LOOK_SECONDS):
                row = (
                    JobRun.objects.filter(job_id=self._job_id).values_list("progress", "current_step").first()
                )
                if row is not None and row[1] and row != self._shown:
                    self._show(*row)
        finally:
            connection.close()

    def _show(self, percent: int, step: str) -> None:
        step = "".join(character if character.isprintable() else "?" for character in step)
        if self._bar:
            room = max(10, shutil.get_terminal_size().columns - BAR_WIDTH - 10)
            filled = round(BAR_WIDTH * percent / 100)
            self._stream.write(f"\r\x1b[K[{'#' * filled:<{BAR_WIDTH}}] {percent:3} % {step[:room]}")
        else:
            same_step = self._shown is not None and self._shown[1] == step
            if same_step and time.monotonic() - self._line_at < LINE_SECONDS:
                return
            self._stream.write(f"{percent:3} % {step}\n")
            self._line_at = time.monotonic()
        self._stream.flush()
        self._shown = (percent, step)
