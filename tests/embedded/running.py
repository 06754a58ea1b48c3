"""Starts `manage.py up` as a person would, and sees what became of its processes."""

from __future__ import annotations

import http.client
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psutil

from commandcenter.embedded import ports
from commandcenter.embedded.processes import CHECKOUT

LIMIT = 90.0  # seconds; generous, for a busy machine: every wait ends as soon as its condition holds


def until(condition: Callable[[], object], what: str, seconds: float = LIMIT) -> float:
    """Wait until the condition holds and return how many seconds that took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.05)
    return time.monotonic() - begun


@contextmanager
def data_folder() -> Iterator[Path]:
    """Yield a folder that the ordinary user of these tests owns and may enter (pytest's own is private to root)."""
    made = Path(tempfile.mkdtemp(prefix="commandcenter-embedded-"))
    user = nobody()
    if user:
        account = pwd.getpwnam(user)
        os.chown(made, account.pw_uid, account.pw_gid)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def small_repository(folder: Path) -> Path:
    """Make a tiny git repository, so that the first analysis costs nothing."""
    made = folder / "repo"
    made.mkdir()
    (made / "hello.py").write_text("print('hello')\n")
    name = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for argv in (["init", "-q"], ["add", "."], [*name, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *argv], cwd=made, check=True, timeout=30, stdin=subprocess.DEVNULL)
    return made


class Up:
    """One `manage.py up` on a data folder, with nothing in its environment that these tests were given."""

    def __init__(self, data: Path, repo: Path, *, user: str | None = None, **environ: str) -> None:
        self.data = data
        self.port = int(environ.get("CC_PORT") or ports.choose())
        self.user = user
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(data.parent),
            "CC_DATA_DIR": str(data),
            "CC_PORT": str(self.port),
            "CC_STOP_GRACE_SECONDS": "5",
            "REPO": str(repo),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environ,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        """Start it and return at once."""
        argv, extra = interpreter(self.user)
        self.process = subprocess.Popen(
            [*argv, str(CHECKOUT / "manage.py"), "up"],
            env={**self.environ, **extra},
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.process

    def outcome(self) -> tuple[int, str, str]:
        """Start it, wait for its end, and return exit code, output and errors."""
        process = self.start()
        output, errors = process.communicate(timeout=LIMIT)
        return process.returncode, output, errors

    def start_and_wait(self) -> None:
        """Start it and wait until it is announced to other terminals."""
        process = self.start()
        until(lambda: self.announced() or process.poll() is not None, "the start")
        if process.poll() is not None:
            raise AssertionError(f"up ended with {process.returncode}: {process.communicate()}")

    def announced(self) -> bool:
        """Say whether the block was printed, which comes after everything else."""
        return (self.data / "run" / "services.json").exists() and self.ready()

    def ready(self) -> bool:
        """Ask /health/ready."""
        connection = http.client.HTTPConnection(ports.LOOPBACK, self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready", headers={"Host": "localhost"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def descendants(self) -> list[psutil.Process]:
        """Return all its processes below itself."""
        assert self.process
        return [p for p in psutil.Process(self.process.pid).children(recursive=True) if _alive(p)]

    def child(self, *words: str) -> psutil.Process | None:
        """Return its direct child with these words in the command line, None when there is none."""
        assert self.process
        for process in psutil.Process(self.process.pid).children():
            try:
                line = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if _alive(process) and all(word in line for word in words):
                return process
        return None

    def stop(self, signum: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        """Ask it to stop and return exit code, output and errors."""
        assert self.process
        self.process.send_signal(signum)
        output, errors = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, output, errors

    def end(self) -> None:
        """Clean up after a test, whatever happened in it."""
        if self.process and self.process.poll() is None:
            left = self.descendants()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.communicate()
            for process in psutil.wait_procs(left, timeout=5)[1]:
                process.kill()


def nobody() -> str | None:
    """Return the user for whom the tests start things as an ordinary user: None when they run as one."""
    return "nobody" if os.geteuid() == 0 else None


@cache
def interpreter(user: str | None) -> tuple[list[str], dict[str, str]]:
    """Return a command line that starts Python with our packages as this user, and variables that it needs.

    A Python below another user's home cannot be entered: then the system's Python of the same version does, with the
    packages named, or the capability to read everything.
    """
    if user is None:
        return [sys.executable], {}
    account = pwd.getpwnam(user)
    change = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    packages = {"PYTHONPATH": sysconfig.get_path("purelib")}
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    powers = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    candidates: list[tuple[list[str], dict[str, str]]] = [
        ([*change, sys.executable], {}),
        ([*change, system], packages),
        ([*change, *powers, sys.executable], {}),
    ]
    # A Python that starts itself once more: setpriv's own rights may have opened the first door only.
    packages_there = "import django, psycopg, orjson, celery, redis.asyncio"
    again = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {packages_there!r}]))"
    for argv, extra in candidates:
        probe = subprocess.run(
            [*argv, "-c", again], env={"PATH": os.environ["PATH"], **extra}, cwd="/",
            stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False,
        )  # fmt: skip
        if probe.returncode == 0:
            return argv, extra
    raise AssertionError(f"No Python with our packages can be run by {user}.")


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
