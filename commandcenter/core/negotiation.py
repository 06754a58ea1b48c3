"""Answers in one format, whatever `Accept` says."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class NoNegotiation(BaseContentNegotiation):
    """`Accept` is not read: the view's first renderer answers, and what goes wrong is answered in its format too."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the first parser, if any."""
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type
