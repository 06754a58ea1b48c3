"""Processes that live long load everything before their first work, and no collection looks through it again."""

from __future__ import annotations

import subprocess
import sys

from commandcenter.embedded.processes import CHECKOUT


def run(code: str) -> list[str]:
    """Return the words that a fresh interpreter printed last."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.splitlines()[-1].split()


def test_web_process_has_loaded_every_view_and_collects_none_of_it() -> None:
    code = """
import commandcenter.asgi, gc, sys
print(gc.isenabled(), gc.get_freeze_count() > 50_000, "commandcenter.dashboard.views" in sys.modules)
"""
    assert run(code) == ["True", "True", "True"]


def test_worker_loads_no_shell() -> None:
    code = """
import sys
from commandcenter.celery_process import main
try:
    main(["worker", "--help"])
except SystemExit as end:
    print(end.code, "prompt_toolkit" in sys.modules, "commandcenter.urls" in sys.modules)
"""
    assert run(code) == ["0", "False", "False"]


def test_beat_loads_no_task() -> None:
    code = """
import os
os.environ.update(CC_PROCESS="beat", CELERY_SKIP_CHECKS="true")
import sys
from commandcenter.celery import app
app.loader.import_default_modules()
print("jobs.models" in sys.modules, "jobs.tasks" in sys.modules)
"""
    assert run(code) == ["True", "False"]


def test_only_the_sender_of_webhooks_loads_its_http_client() -> None:
    code = """
import sys
import commandcenter.asgi
from commandcenter.celery import app
app.loader.import_default_modules()
print("webhooks.tasks" in sys.modules, "aiohttp" in sys.modules)
"""
    assert run(code) == ["True", "False"]
