"""Limits as settings: rates of the API, and the bounds within which repositories are analysed."""

from __future__ import annotations

import re
from dataclasses import fields, replace

from django.core.exceptions import ImproperlyConfigured

from commandcenter.engine.limits import Limits
from commandcenter.settings import env

DEFAULT_RATES = {
    "standard": "100/m",
    "export": "10/m",
    "batch": "5/m",
    "token": "10/m",
    "overall_minute": "200/m",
    "overall_hour": "2000/h",
    "inbound": "600/m",
    "inbound_address": "1200/m",
}
_NAME = re.compile(r"^[a-z][a-z_]*$")
_RATE = re.compile(r"^[1-9][0-9]*/[1-9]?[0-9]*[smhd]$")


def rate_limits(raw: str | None) -> dict[str, str | None]:
    """Return limit name -> rate, None for no limit.

    CC_RATE_LIMITS is "off" (all but sign-in), or a list such as "standard=300/m,export=off".
    """
    if raw is None:
        return dict(DEFAULT_RATES)
    if raw.strip().lower() == "off":
        return {name: (rate if name == "token" else None) for name, rate in DEFAULT_RATES.items()}
    rates: dict[str, str | None] = dict(DEFAULT_RATES)
    for part in raw.split(","):
        name, _, rate = (piece.strip() for piece in part.partition("="))
        if name not in DEFAULT_RATES:
            raise ImproperlyConfigured(
                f"CC_RATE_LIMITS names {name!r}; known are {', '.join(DEFAULT_RATES)}."
            )
        if rate == "off" and name != "token":
            rates[name] = None
        elif _RATE.match(rate):
            rates[name] = rate
        else:
            raise ImproperlyConfigured(f"CC_RATE_LIMITS: {name} must be a rate such as 100/m, not {rate!r}.")
    return rates


def job_limits(raw: str | None) -> dict[str, int]:
    """Return how many jobs may run at once of each project, each repository and each job type, none by default.

    CC_JOB_LIMITS is a list such as "project=8,repository=2,export=2"; a name that is neither project, repository nor
    job_type (each type) is a job type, which `jobs.checks` knows.
    """
    limits: dict[str, int] = {}
    for part in (raw or "").split(","):
        if not part.strip():
            continue
        name, _, number = (piece.strip() for piece in part.partition("="))
        if (
            not _NAME.match(name)
            or not number.isascii()
            or not number.isdigit()
            or not 1 <= int(number) < 2**31
        ):
            raise ImproperlyConfigured(
                f"CC_JOB_LIMITS must list whole numbers from 1 such as project=8,export=2, not {part.strip()!r}."
            )
        if name in limits:
            raise ImproperlyConfigured(f"CC_JOB_LIMITS names {name} twice.")
        limits[name] = int(number)
    return limits


def engine_limits() -> Limits:
    """Return the engine's limits; each field can be set as CC_ENGINE_<FIELD>, whole numbers only."""
    limits = Limits()
    for field in fields(Limits):
        default = getattr(limits, field.name)
        value = env.integer(f"CC_ENGINE_{field.name.upper()}", int(default), least=1)
        limits = replace(limits, **{field.name: type(default)(value)})
    return limits
