"""System checks: what optional engines are told must make sense before the first analysis does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning


def semgrep_has_rules(**_: Any) -> list[CheckMessage]:
    """Check that semgrep has rules, and that they are the operator's and not a repository's."""
    chosen = settings.ENGINES_OPTIONAL
    if "semgrep" not in chosen.names:
        return []
    if not chosen.semgrep_rules:
        return [
            CheckWarning(
                "semgrep is switched on and not planned: it has no rules.",
                hint="Set CC_SEMGREP_RULES to a folder of rules.",
                id="analysis.W001",
            )
        ]
    rules = Path(chosen.semgrep_rules).resolve()
    for root in (*settings.SOURCE_ROOTS, settings.MIRRORS_DIR):
        if rules.is_relative_to(Path(root).resolve()):
            return [
                Error(
                    f"CC_SEMGREP_RULES lies in {root}, where repositories are read from.",
                    hint="Put the rules where no analysed repository can change them.",
                    id="analysis.E001",
                )
            ]
    return []
