"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class AnalysisConfig(AppConfig):
    """Analyses, their shared result sets, and the life of findings."""

    name = "commandcenter.analysis"
    label = "analysis"

    def ready(self) -> None:
        """Check at start-up that what optional engines are told makes sense."""
        from commandcenter.analysis.checks import semgrep_has_rules

        checks.register(semgrep_has_rules)
