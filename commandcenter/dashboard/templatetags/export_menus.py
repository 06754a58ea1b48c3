"""The menu by which an analysis or a project is exported: every format of the registry with its use, limits and options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.urls import reverse

from commandcenter.analysis.models import Analysis
from commandcenter.dashboard.delivered import ShownTarget, takers, targets_of
from commandcenter.inventory.models import Project
from exports.registry import FORMATS

register = template.Library()
_SWITCH = {"false": "no", "true": "yes"}


@register.inclusion_tag("exports/_menu.html", takes_context=True)
def export_menu(context: dict[str, Any], analysis: Analysis, may_write: bool) -> dict[str, Any]:
    """Show the menu of an analysis: operators may also export it in the background."""
    query = f"analysis={analysis.pk}"
    return _menu(context, reverse("dashboard:export-create", args=[analysis.pk]), query) | {
        "downloads": True,
        "may_write": may_write,
        "takers": takers(targets_of(analysis.project), several=False) if may_write else [],
    }


@register.inclusion_tag("exports/_menu.html", takes_context=True)
def portfolio_menu(
    context: dict[str, Any], project: Project, targets: Sequence[ShownTarget]
) -> dict[str, Any]:
    """Show the menu by which operators export a project, and deliver that to one of its targets."""
    query = f"project={project.pk}"
    return _menu(context, reverse("dashboard:portfolio-export", args=[project.pk]), query) | {
        "downloads": False,
        "may_write": True,
        "takers": takers(targets, several=True),
    }


def _menu(context: dict[str, Any], action: str, query: str) -> dict[str, Any]:
    return {
        "action": action,
        "query": query,
        "formats": [each.info for each in FORMATS.values()],
        "csrf_token": context.get("csrf_token"),  # the form takes it from the page
    }


@register.filter
def option_word(value: str) -> str:
    """Word a value of an option: a switch is yes or no."""
    return _SWITCH.get(value, value)
