"""What can name a branch, judged before git ever sees it."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

# git check-ref-format, and no leading dash: no name may be taken for an option
_REFUSED = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|/\.|\.lock(/|$)|[/.]$|^@$")


def validate_branch(name: str) -> None:
    """Raise ValidationError for a name that git itself would not take."""
    if _REFUSED.search(name):
        raise ValidationError("This cannot name a branch.", code="invalid_branch")
