"""What can be a tag of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.exceptions import FieldError, InvalidParameters
from jobs.storable import text

MAX_TAGS = 20
MAX_TAG_KEY = 50
MAX_TAG_VALUE = 200


def checked_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return tags fit to be stored and searched as key:value. Raises InvalidParameters."""
    errors: list[FieldError] = []

    def wrong(message: str) -> None:
        errors.append({"field": "tags", "code": "invalid", "message": message})

    if len(tags) > MAX_TAGS:
        wrong(f"A job can have {MAX_TAGS} tags, not {len(tags)}.")
    for key, value in tags.items():
        if not isinstance(key, str) or not isinstance(value, str):
            wrong(f"The tag {key!r} must have a text as its value.")
        elif not key.strip() or ":" in key or len(key) > MAX_TAG_KEY:
            wrong(
                f"A tag's name has 1 to {MAX_TAG_KEY} characters and no colon; {text(key, 60)!r} does not fit."
            )
        elif len(value) > MAX_TAG_VALUE:
            wrong(f"The value of the tag {key!r} has more than {MAX_TAG_VALUE} characters.")
    if errors:
        raise InvalidParameters(errors)
    return {text(key): text(value) for key, value in tags.items()}
