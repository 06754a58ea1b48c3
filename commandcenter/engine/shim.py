"""Runs one program and makes sure that nothing of it outlives the process that started it.

Stand-alone, started as `python -I -S shim.py FD [OPTION ...] -- ARGV...`. FD is a socket (or the read end of a pipe)
whose other end only the starter holds: end of file on it, which SIGKILL of the starter brings about as well, SIGTERM,
or any byte sent to the shim ends every descendant with SIGKILL. Options: `inherit` stays in the starter's process group;
`rlimit:NAME=SOFT:HARD` is set in the program; with `read:PATH` and `write:PATH` the program can read, or also write, there
alone, and has no network, as far as this kernel can see to it (namespaces and Landlock). On a socket the shim reports lines: `started PID`, `failed ERRNO`,
`killed PID...`. The program's exit status is passed through, a signal as the same signal.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import select
import signal
import stat
import struct
import sys
import time
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
# Landlock, the same numbers on every architecture. Reading is a file and a folder; writing is that and all that changes
# something, as far as the kernel's version knows it.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ = 1 << 2 | 1 << 3
_CHANGE = 1 << 1 | sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14  # since versions 2 and 3
_TCP = 1 << 0 | 1 << 1  # bind and connect, since version 4
_OF_A_FILE = 1 << 1 | 1 << 2 | _TRUNCATE
_SWEEP_SECONDS = 5.0
_START_FAILED = 127


def descendants(pid: int) -> list[int]:
    """List all living descendants of a process, nearest first, from one pass over /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - names, in a folder that changes under us
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - pathlib would double our start-up time
                line = file.read()
        except OSError:
            continue
        # "pid (any text) state ppid ...": the name may hold spaces and brackets, so cut after the last one.
        state, parent = line[line.rindex(b")") + 2 :].split(None, 2)[:2]
        if state not in b"ZX":
            children.setdefault(int(parent), []).append(int(name))
    found: list[int] = []
    level = children.get(pid, [])
    while level:
        found += level
        level = [child for parent in level for child in children.get(parent, [])]
    return found


def _prctl(option: int, value: int) -> None:
    with suppress(OSError, AttributeError):  # another libc: the group kill still works
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def landlock_version() -> int:
    """Return which version of Landlock the kernel has, 0 for none."""
    try:
        return max(0, int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)))
    except (OSError, AttributeError):
        return 0


def _confine(readable: list[str], writable: list[str]) -> None:
    """Take the network away from this process, and all files but these; as far as that works here."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET):  # only root may do that without a user namespace of its own
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    except (OSError, AttributeError):
        return
    version = landlock_version()
    if not version:
        return
    change = _CHANGE | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    handled = (ctypes.c_uint64 * 2)(_READ | change, _TCP)
    rules = libc.syscall(_CREATE_RULESET, handled, ctypes.c_size_t(16 if version >= 4 else 8), 0)
    if rules < 0:
        return
    for paths, allowed in ((readable, _READ), (writable, _READ | change)):
        for path in paths:
            _allow(libc, rules, path, allowed)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if libc.syscall(_RESTRICT_SELF, rules, 0):
        raise OSError(errno.EPERM, "Landlock was promised and is refused")
    os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: str, allowed: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not every system has every folder
    if not stat.S_ISDIR(os.fstat(opened).st_mode):
        allowed &= _OF_A_FILE
    rule = struct.pack("=Qi", allowed, opened)
    libc.syscall(_ADD_RULE, rules, 1, rule, 0)
    os.close(opened)


def _report(control: int, line: str) -> None:
    with suppress(OSError):  # a pipe's read end, or nobody listens any more
        os.write(control, line.encode() + b"\n")


def _start(
    argv: list[str], limits: list[tuple[int, int, int]], readable: list[str], writable: list[str]
) -> tuple[int, int]:
    """Fork and exec. Return the program's pid, or 0 and the errno that kept it from starting."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = errno.EINVAL
        try:
            shim = os.getppid()
            if writable:
                _confine(readable, writable)
            # After the namespaces, which take it away.
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # for the one case in which the shim itself is killed
            if os.getppid() != shim:
                os._exit(_START_FAILED)
            for which, soft, hard in limits:
                resource.setrlimit(which, (soft, hard))
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT, signal.SIGPIPE, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.execvp(argv[0], argv)  # noqa: S606 - no shell is what we want
        except OSError as error:
            code = error.errno or errno.EINVAL
        finally:
            os.write(write_end, code.to_bytes(4, "big"))
            os._exit(_START_FAILED)
    os.close(write_end)
    failure = os.read(read_end, 4)
    os.close(read_end)
    if failure:
        os.waitpid(pid, 0)
        return 0, int.from_bytes(failure, "big")
    return pid, 0


def _sweep(killed: set[int]) -> None:
    """Kill and reap until no descendant is left. Orphans come to us, the subreaper, whatever session they chose."""
    end = time.monotonic() + _SWEEP_SECONDS
    while time.monotonic() < end:
        alive = descendants(os.getpid())
        for pid in alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _pass_on(status: int) -> None:
    """Exit as the program did."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _reap(main: int) -> int | None:
    """Reap what has ended; the wait status of the main program when it is among that."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == main:
            found = status


def main(arguments: list[str]) -> None:
    split = arguments.index("--")
    control, options, argv = int(arguments[0]), arguments[1:split], arguments[split + 1 :]
    limits = []
    for option in options:
        if option.startswith("rlimit:"):
            name, _, values = option[7:].partition("=")
            soft, _, hard = values.partition(":")
            limits.append((getattr(resource, f"RLIMIT_{name}"), int(soft), int(hard)))
    if "inherit" not in options:
        with suppress(PermissionError):  # the starter has already made us a leader
            os.setsid()
    os.set_inheritable(control, False)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    parent = os.getppid()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    told: list[int] = []
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C is for the starter, who then tells us

    readable = [option[5:] for option in options if option.startswith("read:")]
    writable = [option[6:] for option in options if option.startswith("write:")]
    pid, failure = _start(argv, limits, readable, writable)
    if not pid:
        _report(control, f"failed {failure}")
        os._exit(_START_FAILED)
    _report(control, f"started {pid}")
    # We only wait from here on; an open end of the program's pipes would keep their readers waiting.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    status: int | None = None
    while status is None and not told:
        # The second is for a starter that forked: its child holds the other end, and no end of file would come.
        ready, _, _ = select.select([control, wake_read], [], [], 1.0)
        if wake_read in ready:
            os.read(wake_read, 4096)
        if control in ready or os.getppid() != parent:
            told.append(0)
        status = _reap(pid)
    killed: set[int] = set()
    _sweep(killed)
    if told:
        _report(control, "killed " + " ".join(map(str, sorted(killed))))
        if "inherit" not in options:
            os.killpg(os.getpgid(0), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    if status is not None:
        _pass_on(status)


if __name__ == "__main__":
    main(sys.argv[1:])
