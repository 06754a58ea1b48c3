"""The engines that an operator switches on beside ours."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from commandcenter.engine.optional import NAMES, OptionalEngines
from commandcenter.settings import env


def optional_engines() -> OptionalEngines:
    """Return the engines that CC_ENGINES_OPTIONAL names, with their programs and rules."""
    names = env.words("CC_ENGINES_OPTIONAL")
    if unknown := sorted(set(names) - set(NAMES)):
        raise ImproperlyConfigured(
            f"CC_ENGINES_OPTIONAL names {', '.join(unknown)}; known are {', '.join(NAMES)}."
        )
    return OptionalEngines(
        names=tuple(name for name in NAMES if name in names),
        semgrep=_absolute("CC_SEMGREP", env.optional("CC_SEMGREP")),
        semgrep_rules=_absolute("CC_SEMGREP_RULES", env.optional("CC_SEMGREP_RULES")),
        jscpd=_absolute("CC_JSCPD", env.optional("CC_JSCPD")),
    )


def _absolute(name: str, value: str | None) -> str:
    if value and not Path(value).is_absolute():
        raise ImproperlyConfigured(f"{name} must be an absolute path, and {value} is not.")
    return value or ""
