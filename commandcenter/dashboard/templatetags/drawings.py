"""Draws measured amounts as bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

register = template.Library()


@register.inclusion_tag("components/stacked_bar.html")
def stacked_bar(label: str, parts: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Draw parts of a whole as one bar with a legend; the sixth and later ones are summed as "Other".

    `parts` is [(name, amount)], largest first.
    """
    whole = sum(amount for _name, amount in parts)
    shown = list(parts[:6])
    rest = sum(amount for _name, amount in parts[6:])
    if rest:
        shown.append(("Other", rest))
    x = 0.0
    segments = []
    for index, (name, amount) in enumerate(shown):
        width = 100 * amount / whole if whole else 0
        segments.append(
            {
                "name": name,
                "x": f"{x:.3f}",
                "width": f"{width:.3f}",
                "percent": f"{width:.1f}",
                "color": f"c{index}",
            }
        )
        x += width
    return {"label": label, "segments": segments}


@register.inclusion_tag("components/sparkline.html")
def weekly_commits(weeks: Sequence[int] | None) -> dict[str, Any]:
    """Draw commits per week, the oldest first, as bars whose heights compare with the busiest week."""
    counts = list(weeks or ())
    most = max(counts, default=0)
    slot = 100 / len(counts) if counts else 0
    bars = [
        {
            "x": f"{place * slot:.3f}",
            "y": f"{20 - 20 * count / most:.3f}",
            "height": f"{20 * count / most:.3f}",
            "title": f"{count} in the week {len(counts) - place - 1} weeks before",
        }
        for place, count in enumerate(counts)
        if count
    ]
    label = f"Commits per week over {len(counts)} weeks, {most} at most, {counts[-1] if counts else 0} in the last one"
    return {
        "bars": bars,
        "width": f"{slot * 0.8:.3f}",
        "label": label,
        "first": f"{len(counts)} weeks before",
        "last": f"at most {most} a week",
    }
