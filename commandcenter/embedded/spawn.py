"""Starting and ending children so that none outlives us: own session, parent-death signal, group sweep."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Account:
    """The user under which a child runs."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """One child to start. Its output is appended to `log` (only stderr when `stdout` is given)."""

    argv: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    folder: Path | None = None
    account: Account | None = None
    orphan_signal: signal.Signals = signal.SIGKILL  # what the child gets when we die without stopping it
    descriptors: tuple[int, ...] = ()
    stdin: int = subprocess.DEVNULL
    stdout: int | None = None


def spawn(command: Command) -> subprocess.Popen[bytes]:
    """Start the child in a session of its own. Call from the main thread only.

    The parent-death signal follows the thread that started the child, not the process.
    """
    parent = os.getpid()

    def prepare_child() -> None:
        # Runs after the change of user, which would have cleared the setting.
        if sys.platform == "linux":
            _libc.prctl(_PR_SET_PDEATHSIG, int(command.orphan_signal))
            if os.getppid() != parent:  # the parent died before the setting took hold
                os.kill(os.getpid(), signal.SIGKILL)

    account = command.account
    with command.log.open("ab") as log:
        return subprocess.Popen(
            list(command.argv),
            stdin=command.stdin,
            stdout=log if command.stdout is None else command.stdout,
            stderr=log,
            env=dict(command.environ),
            cwd=command.folder,
            start_new_session=True,
            preexec_fn=prepare_child,  # noqa: PLW1509  (the supervisor has no other threads)
            pass_fds=command.descriptors,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
        )


def ended(child: subprocess.Popen[bytes]) -> bool:
    """Say whether the child has ended. What is left of its group is killed before its pid can be reused."""
    if child.returncode is not None:
        return True
    try:
        if os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return False
    except ChildProcessError:
        pass
    else:
        kill_group(child.pid, signal.SIGKILL)
    child.wait()
    return True


def kill_group(leader: int, signum: signal.Signals) -> None:
    """Signal every process of the group that this child leads, if any is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signum)


def send(child: subprocess.Popen[bytes], signum: signal.Signals) -> None:
    """Signal the child itself, if it still runs."""
    if not ended(child):
        os.kill(child.pid, signum)


def wait_ended(
    children: Sequence[subprocess.Popen[bytes]],
    seconds: float,
    hurry: Callable[[], bool] = lambda: False,
) -> bool:
    """Wait until all have ended; False when the time is up, or when there is a reason to hurry."""
    deadline = time.monotonic() + seconds
    pause = 0.005
    while not all(ended(child) for child in children):
        if time.monotonic() >= deadline or hurry():
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return True
