"""Small real handlers, registered by `settings.JOB_HANDLERS`: each does what its parameters say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import connection

from commandcenter.inventory.models import Project
from jobs.batch import batches
from jobs.batch.batches import BatchHandler, ChildSpec
from jobs.exceptions import InvalidParameters, JobFailed
from jobs.handlers import JobRunContext, Scope

runs: defaultdict[int, int] = defaultdict(int)  # job id -> how often it ran in this process
gates: defaultdict[str, threading.Event] = defaultdict(threading.Event)
entered: defaultdict[str, threading.Event] = defaultdict(threading.Event)


class ScriptHandler:
    """Runs a list of steps: each a dict with one of the keys below."""

    queue = "default"

    def validate(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Take `steps`, a list of objects, and nothing else."""
        unknown = sorted(set(parameters) - {"steps"})
        if unknown:
            raise InvalidParameters.single(
                f"parameters.{unknown[0]}", "unknown", "There is no such parameter."
            )
        steps = parameters.get("steps", [])
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise InvalidParameters.single("parameters.steps", "invalid", "Give a list of steps.")
        return {"steps": steps}

    def scope(self, parameters: dict[str, Any]) -> Scope:
        """Work on nothing in particular, unless a step names it: {"alone": key}.

        A step {"made_when": path} lets whoever makes the job wait for a file, and say by another that it does.
        """
        for step in parameters["steps"]:
            if "made_when" in step:
                _wait_for_file(Path(step["made_when"]))
        return Scope(
            exclusive=next((str(step["alone"]) for step in parameters["steps"] if "alone" in step), "")
        )

    def run(self, run: JobRunContext) -> None:
        """Do the steps in order, then commit the result."""
        runs[run.job_id] += 1
        result: dict[str, Any] = {"attempt": run.attempt}
        for step in run.parameters["steps"]:
            for name, argument in step.items():
                getattr(self, f"do_{name}")(run, argument, result)
        with run.commit(result):
            for step in run.parameters["steps"]:
                if "linger" in step:
                    self._linger(run, Path(step["linger"]))

    def do_linger(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Do nothing yet: the wait is in the last transaction."""

    def _linger(self, run: JobRunContext, gate: Path) -> None:
        gate.with_name(f"{gate.name}.{run.attempt}").write_text(str(os.getpid()))
        until = time.monotonic() + 60
        while not gate.exists() and time.monotonic() < until:
            time.sleep(0.02)

    def do_progress(self, run: JobRunContext, argument: list[Any], result: dict[str, Any]) -> None:
        run.progress(*argument)

    def do_work(self, run: JobRunContext, argument: float, result: dict[str, Any]) -> None:
        """Take so many seconds."""
        time.sleep(argument)

    def do_alone(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Say nothing more: the key has done its work in `scope`."""

    def do_made_when(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Say nothing more: the wait was in `scope`."""

    def do_log(self, run: JobRunContext, argument: list[str], result: dict[str, Any]) -> None:
        level, message, source = argument
        run.log(level, message, source)  # type: ignore[arg-type]

    def do_many_logs(self, run: JobRunContext, argument: list[int], result: dict[str, Any]) -> None:
        count, size = argument
        for number in range(count):
            run.log("info", f"{number:06d} " + "x" * size, "script")

    def do_result(self, run: JobRunContext, argument: dict[str, Any], result: dict[str, Any]) -> None:
        result.update(argument)

    def do_fail(self, run: JobRunContext, argument: dict[str, Any], result: dict[str, Any]) -> None:
        if run.attempt <= argument.get("attempts", 1_000):
            raise JobFailed(argument["code"], argument["message"], retryable=argument.get("retryable", False))

    def do_raise(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        raise RuntimeError(argument)

    def do_lose_database(self, run: JobRunContext, argument: None, result: dict[str, Any]) -> None:
        """Use a connection that the server has just closed, as in a restart."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def do_gate(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Wait in this process until the test opens the gate, without looking at anything."""
        entered[argument].set()
        if not gates[argument].wait(30):
            raise TimeoutError(argument)

    def do_wait(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Wait until the test opens the gate, looking at cancellation as a good handler does."""
        entered[argument].set()
        until = time.monotonic() + 30
        while not gates[argument].wait(0.02):
            run.raise_if_cancelled()
            if time.monotonic() > until:
                raise TimeoutError(argument)

    def do_wait_for_file(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Wait until a file exists, in any process; say first, by a file beside it, which process waits."""
        path = Path(argument)
        path.with_name(f"{path.name}.{run.attempt}").write_text(str(os.getpid()))
        until = time.monotonic() + 60
        while not path.exists():
            run.raise_if_cancelled()
            if time.monotonic() > until:
                raise TimeoutError(argument)
            time.sleep(0.02)

    def do_deaf(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Take no notice of anything for a minute, signals turned into exceptions included."""
        Path(argument).write_text(str(os.getpid()))
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(Exception):
                time.sleep(0.1)

    def do_child(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Start a process that would run for a minute, and wait for it; cancelling kills it."""
        child = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
        )
        Path(argument).write_text(str(child.pid))

        def kill() -> dict[str, Any]:
            child.send_signal(signal.SIGKILL)
            child.wait(5)
            return {"pids": [child.pid], "signal": "SIGKILL"}

        run.on_cancel(kill)
        child.wait()
        run.raise_if_cancelled()


class BatchScript(BatchHandler):
    """Makes a child of the script handler for each list of steps. A child whose steps are no list cannot be made."""

    def cleaned(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Take `children`, a list, and `gate`, a file for which the making of the second page waits."""
        children = parameters.get("children", [])
        if set(parameters) - {"children", "gate"} or not isinstance(children, list):
            raise InvalidParameters.single("parameters.children", "invalid", "Give a list of lists of steps.")
        return {"gate": "", **parameters, "children": children}

    def children(self, parameters: dict[str, Any], project_id: int) -> Iterator[ChildSpec]:
        """Yield a child for each list."""
        for number, steps in enumerate(parameters["children"]):
            yield ChildSpec(f"part:{number}", "analysis", {"steps": steps})


def _wait_for_file(path: Path) -> None:
    path.with_name(f"{path.name}.waiting").write_text(str(os.getpid()))
    until = time.monotonic() + 60
    while not path.exists():
        if time.monotonic() > until:
            raise TimeoutError(path)
        time.sleep(0.02)


def make_part(run: JobRunContext, count: int) -> None:
    """Make the first children of a batch and go no further, as a worker does that is killed."""
    batches.make_children(run, batches.specs_of(BatchScript(), run)[:count])


class BrokenHandler:
    """Is not a handler: it has no queue and no `run`."""

    def validate(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Take anything."""
        return parameters
