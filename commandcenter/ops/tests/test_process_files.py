"""Counts of processes that have ended stay; what they said about the present goes, and their files do not pile up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from commandcenter.ops.processfiles import ProcessesCollector, fold

SCRIPT = """
import os, signal
from commandcenter.ops import taskmetrics
taskmetrics.active.labels("t").inc()
taskmetrics.total.labels("t", "success").inc(2)
taskmetrics.runtime.labels("t").observe(0.3)
os.kill(os.getpid(), signal.SIGKILL)
"""


def run_killed(folder: Path) -> None:
    """Let a process count, and kill it in the middle of a task."""
    subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        cwd=settings.BASE_DIR,
        check=False,
        timeout=60,
    )


def samples(folder: Path) -> dict[str, float]:
    """Return the value of each series, by name and bound."""
    return {
        sample.name + sample.labels.get("le", ""): sample.value
        for metric in ProcessesCollector(folder).collect()
        for sample in metric.samples
    }


@pytest.mark.process
def test_the_dead_are_folded_and_nothing_is_lost_or_counted_twice(tmp_path: Path) -> None:
    for _ in range(3):
        run_killed(tmp_path)
    expected = samples(tmp_path)
    assert "celery_worker_tasks_active" not in expected
    assert (expected["celery_tasks_total"], expected["celery_task_runtime_seconds_count"]) == (6, 3)
    assert expected["celery_task_runtime_seconds_bucket0.1"] == 0
    assert expected["celery_task_runtime_seconds_bucket0.5"] == 3
    assert len(list(tmp_path.glob("*.db"))) == 6

    fold(tmp_path, most=2)
    assert {file.name for file in tmp_path.glob("*.db")} == {"counter_folded.db", "histogram_folded.db"}
    assert samples(tmp_path) == expected

    run_killed(tmp_path)
    fold(tmp_path, most=0)
    assert len(list(tmp_path.glob("*.db"))) == 2
    assert samples(tmp_path)["celery_tasks_total"] == 8


def test_the_files_of_the_living_stay(tmp_path: Path) -> None:
    mine = [tmp_path / f"counter_{os.getpid()}.db", tmp_path / f"gauge_livesum_{os.getpid()}.db"]
    for file in mine:
        file.touch()
    fold(tmp_path, most=0)
    assert all(file.exists() for file in mine)
