"""One Celery worker or beat: `python -m commandcenter.celery_process worker|beat OPTIONS`, with Celery's own options.

`celery -A commandcenter --skip-checks` does the same, but also loads a shell for brokers, which costs each process a
quarter of a second and several megabytes.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from commandcenter import loading


def main(arguments: list[str]) -> None:
    """Run one command of Celery until it ends, which ends the process."""
    loading.begin()
    # `manage.py prepare` ran the system checks already; here they would load every view into every worker.
    os.environ["CELERY_SKIP_CHECKS"] = "true"

    from celery.bin.base import CLIContext
    from celery.signals import beat_init, worker_init

    from commandcenter.celery import app

    worker_init.connect(
        _loaded, dispatch_uid="commandcenter.celery_process.worker"
    )  # before the pool is forked
    beat_init.connect(_loaded, dispatch_uid="commandcenter.celery_process.beat")
    command, *options = arguments
    if command == "worker":
        from celery.bin.worker import worker as run
    else:
        from celery.bin.beat import beat as run
    run.main(options, prog_name=f"celery {command}", obj=CLIContext(app, no_color=True, workdir=None))


def _loaded(**_: Any) -> None:
    loading.end()


if __name__ == "__main__":
    main(sys.argv[1:])
