"""What every test of schedules uses: jobs whose work is a script."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from jobs.tests.conftest import BATCH, SCRIPT, clean_slate

__all__ = ["clean_slate"]


@pytest.fixture(autouse=True)
def script_handler(settings: Settings) -> None:
    """Let the script handler run the job types."""
    settings.JOB_HANDLERS = {"analysis": SCRIPT, "export": SCRIPT, "batch_analysis": BATCH}
    settings.JOB_RETRY_DELAY_SECONDS = 0
