"""System checks: a handler or a limit that cannot work is named at start-up."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from jobs.checks import check_handlers, check_times


def test_what_fits_passes() -> None:
    assert check_handlers() == []
    assert check_times() == []


@pytest.mark.parametrize(
    ("handlers", "found"),
    [
        ({"no_such_type": "jobs.tests.handlers.ScriptHandler"}, "jobs.E001"),
        ({"analysis": "jobs.no_such_module.Handler"}, "jobs.E002"),
        ({"analysis": "jobs.tests.handlers.NoSuchHandler"}, "jobs.E002"),
        ({"analysis": "jobs.tests.handlers.BrokenHandler"}, "jobs.E003"),
    ],
)
def test_a_handler_that_cannot_be_used_is_named(
    settings: Settings, handlers: dict[str, str], found: str
) -> None:
    settings.JOB_HANDLERS = handlers
    assert [message.id for message in check_handlers()] == [found]


@pytest.mark.parametrize(
    ("limits", "found"),
    [((60, 60), "jobs.E004"), ((60, 30), "jobs.E004"), ((600, 100_000), "jobs.E005")],
)
def test_time_limits_that_cannot_work_are_named(
    settings: Settings, limits: tuple[int, int], found: str
) -> None:
    settings.JOB_TIME_LIMITS = {"analysis": limits}
    assert [message.id for message in check_times()] == [found]


def test_a_lease_too_short_for_its_heartbeat_is_named(settings: Settings) -> None:
    settings.JOB_HEARTBEAT_SECONDS = 5
    settings.JOB_LEASE_SECONDS = 10
    assert [message.id for message in check_times()] == ["jobs.W001"]


def test_the_handlers_of_the_product_fit() -> None:
    from commandcenter.settings import base

    with pytest.MonkeyPatch.context() as patch:
        from django.conf import settings

        patch.setattr(settings, "JOB_HANDLERS", base.JOB_HANDLERS)
        assert check_handlers() == []
