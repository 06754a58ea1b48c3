"""`make run` from a clone without a virtual environment to the first answer of /health/ready."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from bench.report import Figure, Report
from commandcenter.embedded import ports
from tests.embedded.running import until

ROOT = Path(__file__).resolve().parent.parent


def measure(report: Report, scratch: Path) -> None:
    """Clone, run, wait, stop. What pip has cached on this machine counts as the network of the day."""
    clone, port = scratch / "clone", ports.choose()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True, timeout=120)
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "LANG"} or "PIP" in name or "CERT" in name
    }
    begun = time.perf_counter()
    argv = ["make", "run", f"PORT={port}", f"DATA={scratch / 'bare-data'}"]
    child = subprocess.Popen(
        argv, cwd=clone, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until(lambda: _ready(port) or child.poll() is not None, "/health/ready", 600)
        report.add(
            Figure("make run to /health/ready, bare checkout", time.perf_counter() - begun, "s", 180.0)
        )
    finally:
        os.killpg(child.pid, signal.SIGINT)
        child.wait(60)


def _ready(port: int) -> bool:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/health/ready", headers={"Host": "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
