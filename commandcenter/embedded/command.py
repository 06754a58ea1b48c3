"""`manage.py up`: everything from a bare data folder to a running platform, and down again."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commandcenter.embedded import ports, servers
from commandcenter.embedded.environment import (
    announce,
    environment,
    registered_sources,
    remember_source,
    source_roots,
)
from commandcenter.embedded.errors import EmbeddedError, Refusal, StopRequested
from commandcenter.embedded.layout import Layout
from commandcenter.embedded.leftovers import end_leftovers
from commandcenter.embedded.lock import held
from commandcenter.embedded.processes import CHECKOUT, first_processes, later_processes, manage
from commandcenter.embedded.supervisor import Supervisor, say

PREPARE_SECONDS = 1800.0  # migrations of a large database
READY_SECONDS = 120.0
REGISTER_SECONDS = 120.0
STOP_GRACE_SECONDS = 20  # that running jobs get; the workers are told
HAND_BACK_SECONDS = 10.0  # beyond it: jobs are handed back by their workers, which then end
USAGE = """usage: manage.py up

Starts PostgreSQL and two Valkeys (only those without a URL in the environment), migrates, then runs web, workers and
beat in the foreground until Ctrl-C. Environment: CC_PORT or PORT (8000), CC_DATA_DIR (.data), REPO (what is analysed
on the first start; default: this checkout); docs/configuration.md lists all.
"""


def main(arguments: Sequence[str]) -> int:
    """Run `manage.py up` with these arguments and return its exit code: 0 stopped, 1 failed, 2 refused."""
    if arguments:
        asked = set(arguments) <= {"-h", "--help"}
        (sys.stdout if asked else sys.stderr).write(USAGE)
        return 0 if asked else 2
    try:
        run(os.environ)
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:  # before there was anything to stop
        return 130
    return 0


def run(environ: Mapping[str, str]) -> None:
    """Start everything, keep it running until a signal asks to stop, and stop it."""
    port = ports.web_port(environ)
    grace = _seconds(environ, "CC_STOP_GRACE_SECONDS", STOP_GRACE_SECONDS)
    layout = Layout(Path(environ.get("CC_DATA_DIR") or CHECKOUT / ".data").expanduser().absolute())
    layout.prepare()
    with held(layout, "`manage.py up`"):
        left = end_leftovers(layout)
        if left:
            say(f"Ended what an earlier start left behind: {', '.join(left)}.")
        obstacle = ports.obstacle(port)
        if obstacle is not None:
            raise Refusal(f"Port {port} {obstacle}; choose another with CC_PORT (PORT= for make).")
        full = {**environ, **environment(layout.data, environ)}
        full["DJANGO_SETTINGS_MODULE"] = (
            environ.get("DJANGO_SETTINGS_MODULE") or "commandcenter.settings.production"
        )
        full["CC_STOP_GRACE_SECONDS"] = str(grace)
        source = _new_source(layout, environ)
        full["CC_SOURCE_ROOTS"] = source_roots(layout, environ, source)
        supervisor = Supervisor(layout, full, grace=grace + HAND_BACK_SECONDS)
        with supervisor.signals():
            try:
                _start(supervisor, layout, environ, full, port)
                if source:
                    _register(supervisor, layout, source)
                supervisor.run()
            except StopRequested:
                pass
            finally:
                supervisor.stop()


def _start(
    supervisor: Supervisor, layout: Layout, environ: Mapping[str, str], full: Mapping[str, str], port: int
) -> None:
    shutil.rmtree(layout.metrics, ignore_errors=True)
    layout.metrics.mkdir(mode=0o700, exist_ok=True)
    with supervisor.step(
        "prepare", manage("prepare", "--when-told")
    ) as step:  # it loads while the servers start
        supervisor.start_servers(servers.needed(layout, environ))
        step.go()
        report = _prepared(supervisor.output(step, PREPARE_SECONDS))
    supervisor.start_processes(first_processes(port))
    supervisor.wait_until(lambda: _web_ready(port), READY_SECONDS, "The web server was not ready")
    supervisor.start_processes(later_processes())
    announce(layout, full)
    _print_block(full["CC_PUBLIC_URL"], layout, report)


def _prepared(output: str) -> dict[str, Any]:
    """Return the report of `manage.py prepare`: the last line of its output, as JSON."""
    try:
        report = json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise EmbeddedError(
            "`manage.py prepare` ended without its report; see prepare.log in the data folder."
        ) from None
    return dict(report)


def _web_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/health/ready", headers={"Host": "localhost"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _print_block(address: str, layout: Layout, report: Mapping[str, Any]) -> None:
    password = report.get("password") if report.get("created") else None
    lines = [
        "",
        "  Command Center is ready",
        f"    address   {address}",
        f"    user      {report.get('username', '')}",
        f"    password  {password or 'as set before'}",
        f"    data      {layout.data}",
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _new_source(layout: Layout, environ: Mapping[str, str]) -> str | None:
    """Return what to register once all runs: REPO unless it was before; on the very first start, this checkout."""
    named = environ.get("REPO", "").strip()
    if named and (":" not in named or Path(named).expanduser().exists()):  # every address has a colon
        named = str(Path(named).expanduser().resolve())
    known = registered_sources(layout)
    wanted = named or ("" if known else str(CHECKOUT))
    return None if not wanted or wanted in known else wanted


def _register(supervisor: Supervisor, layout: Layout, source: str) -> None:
    """Register and analyse a source and remember that; that it fails must not end what runs."""
    try:
        with supervisor.step("first-repository", manage("prepare", "--repo", source)) as step:
            supervisor.output(step, REGISTER_SECONDS)
    except EmbeddedError as error:
        _step, refused, reason = str(error).rpartition("CommandError: ")
        say(f"REPO {source} was not added: {reason.strip() if refused else error}")
    else:
        remember_source(layout, source)


def _seconds(environ: Mapping[str, str], name: str, default: int) -> int:
    raw = environ.get(name, "").strip()
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        value = -1
    if not 0 <= value <= 3600:
        raise Refusal(f"{name} must be a whole number of seconds from 0 to 3600, not {raw[:40]!r}.")
    return value
