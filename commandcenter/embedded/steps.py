"""One command that `up` runs to its end, such as `prepare`; it may be started before it can do everything."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from commandcenter.embedded.errors import EmbeddedError
from commandcenter.embedded.files import last_lines
from commandcenter.embedded.processes import CHECKOUT
from commandcenter.embedded.spawn import Command, ended, kill_group, spawn, wait_ended


class Step:
    """A running command; what it says on stderr goes to its log. Call `end` whatever happens."""

    def __init__(self, name: str, argv: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        stdin, self._stdin = os.pipe()
        self._stdout, stdout = os.pipe()
        os.set_blocking(self._stdout, False)
        try:
            self._child: subprocess.Popen[bytes] = spawn(
                Command(argv, environ, log, CHECKOUT, stdin=stdin, stdout=stdout)
            )
        except BaseException:
            self._close()
            raise
        finally:
            os.close(stdin)
            os.close(stdout)

    def go(self) -> None:
        """Tell a command that waits for a line on its stdin that it may go on."""
        with contextlib.suppress(BrokenPipeError):  # it has ended: `output` says how
            os.write(self._stdin, b"go\n")

    def output(self, seconds: float, wait: Callable[[int], bool]) -> str:
        """Return its output once it has ended.

        `wait` gets the descriptor to look at, and says after a moment whether there is something to read; it may raise.
        Raises EmbeddedError when the command fails or takes too long.
        """
        output = b""
        deadline = time.monotonic() + seconds
        while True:
            if wait(self._stdout):
                part = read_now(self._stdout)
                output += part or b""
                if part == b"":
                    if ended(self._child):
                        break
                    time.sleep(0.02)  # it has closed its output and is about to end
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} took longer than {seconds:.0f} s; see {self.log}")
        if self._child.returncode:
            raise EmbeddedError(
                f"{self.name} ended with code {self._child.returncode}; "
                f"the last lines of {self.log}:{last_lines(self.log)}"
            )
        return output.decode(errors="replace")

    def end(self) -> None:
        """Kill it if it still runs."""
        self._close()
        if not ended(self._child):
            kill_group(self._child.pid, signal.SIGKILL)
            wait_ended([self._child], 5.0)

    def _close(self) -> None:
        os.close(self._stdin)
        os.close(self._stdout)


def read_now(descriptor: int) -> bytes | None:
    """Return what can be read now; empty at the end, None when nothing is there."""
    try:
        return os.read(descriptor, 65_536)
    except BlockingIOError:
        return None
