"""What the stage's jobs do: real work with one artifact, and steps that wait or die where a test wants them to."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from commandcenter.engine.process import spawn
from jobs.handlers import JobRunContext
from jobs.tests.handlers import ScriptHandler

GATE_SECONDS = 60.0
# Ignores SIGTERM, and so does its child, which leaves the session as well; both write their pids and stay.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setsid()
    time.sleep(600)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(f"{os.getpid()} {child}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""


def wait_at(gate: Path, attempt: int, run: JobRunContext | None = None) -> None:
    """Say by a file beside the gate which process waits, then wait until the gate's file is there."""
    draft = gate.with_name(f"{gate.name}.new.{os.getpid()}")
    draft.write_text(str(os.getpid()))
    draft.rename(gate.with_name(f"{gate.name}.{attempt}"))
    until = time.monotonic() + GATE_SECONDS
    while not gate.exists():
        if run is not None:
            run.raise_if_cancelled()
        if time.monotonic() > until:
            raise TimeoutError(str(gate))
        time.sleep(0.01)


class FaultHandler(ScriptHandler):
    """The script handler; steps named `commit_...` are done inside the transaction that ends the job."""

    def run(self, run: JobRunContext) -> None:
        """Do the steps, then commit the result with those that belong to it."""
        result: dict[str, Any] = {"attempt": run.attempt}
        steps = [item for step in run.parameters["steps"] for item in step.items()]
        for name, argument in steps:
            if not name.startswith("commit_"):
                getattr(self, f"do_{name}")(run, argument, result)
        with run.commit(result):
            for name, argument in steps:
                if name.startswith("commit_"):
                    getattr(self, f"do_{name}")(run, argument, result)

    def do_hash(self, run: JobRunContext, argument: int, result: dict[str, Any]) -> None:
        """Hash so many kilobytes in ten parts, telling about each."""
        digest = hashlib.sha256()
        for part in range(10):
            digest.update(f"{run.job_id} {part}".encode() * (argument * 1024 // 60))
            run.progress(part * 10, f"part {part}")
            run.log("info", f"part {part}: {digest.hexdigest()[:12]}", "work")
        result["sha256"] = digest.hexdigest()

    def do_gate_file(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Wait in the middle of the work, looking at cancellation as a good handler does."""
        wait_at(Path(argument), run.attempt, run)

    def do_die(self, run: JobRunContext, argument: int, result: dict[str, Any]) -> None:
        """Kill this process in the first so many attempts."""
        if run.attempt <= argument:
            os.kill(os.getpid(), signal.SIGKILL)

    def do_stubborn(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Start, through the engine's shim, a program and a grandchild that ignore SIGTERM; end with them."""
        path = Path(argument)
        environment = {"PATH": os.environ["PATH"], "CC_STAGE": os.environ["CC_STAGE"]}
        with spawn([sys.executable, "-c", STUBBORN, f"{path}.{run.attempt}"], env=environment) as program:

            def kill() -> dict[str, Any]:
                receipt = program.kill()
                return {"pids": list(receipt.pids), "signal": receipt.signal, "seconds": receipt.seconds}

            run.on_cancel(kill)
            program.wait()
        run.raise_if_cancelled()

    def do_commit_artifact(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Put this attempt's file in the job's one place; what an attempt that died left there is replaced."""
        folder = Path(argument)
        draft = folder / f".{run.job_id}.{run.attempt}.{os.getpid()}"
        draft.write_text(json.dumps(result))
        draft.rename(folder / f"{run.job_id}.json")

    def do_commit_gate(self, run: JobRunContext, argument: str, result: dict[str, Any]) -> None:
        """Wait after the result and before the commit, with the transaction open and the fence held."""
        wait_at(Path(argument), run.attempt)
