"""Shows text of repositories and engines safely: as it is, and readable."""

from __future__ import annotations

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
_CODE = re.compile(r"`([^`\n]{1,200})`")
# Controls, and characters that change the order in which others are shown: a page must show what is there.
_DECEIVING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_KEPT = frozenset("\n\t")


@register.filter
def spelt_out(text: str) -> str:
    """Spell out what would deceive about a text of several lines; line feeds and tabs stay."""
    return _DECEIVING.sub(
        lambda found: found[0] if found[0] in _KEPT else f"\\u{ord(found[0]):04x}",
        str(text).replace("\r\n", "\n"),
    )


@register.filter
def breakable(path: str) -> SafeString:
    """Escape a path and let it break after its slashes; characters that change the order of others are spelt out."""
    shown = _DECEIVING.sub(lambda found: f"\\u{ord(found[0]):04x}", str(path))
    return format_html_join(mark_safe("/<wbr>"), "{}", ((part,) for part in shown.split("/")))


@register.filter
def coded(text: str) -> SafeString:
    """Escape a sentence and show what stands between its backticks as code."""
    pieces = _CODE.split(str(text))
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<code>{}</code>", piece) if place % 2 else piece,)
            for place, piece in enumerate(pieces)
        ),
    )
