"""Application configuration."""

from __future__ import annotations

from django.apps import AppConfig


class AnalysisConfig(AppConfig):
    """Analyses, their shared result sets, and the life of findings."""

    name = "commandcenter.analysis"
    label = "analysis"
