"""Serializer fields that several apps share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

MAX_TAGS = 50
MAX_TAG = 100
MAX_ID = 2**63 - 1


@extend_schema_field(
    {"type": "array", "items": {"type": "string", "maxLength": MAX_TAG}, "maxItems": MAX_TAGS}
)
class TagsField(serializers.Field):  # type: ignore[type-arg]
    """A list of short strings without repetition; an object {key: value} is taken as "key:value" strings."""

    default_error_messages = {
        "invalid": 'Give a list of strings, or an object such as {{"team": "core"}}.',
        "blank": "A tag must not be empty.",
        "max_length": f"A tag has at most {MAX_TAG} characters.",
        "max_items": f"There can be at most {MAX_TAGS} tags.",
    }

    def get_value(self, dictionary: Any) -> Any:
        """Read a form's field as a comma-separated list."""
        if hasattr(dictionary, "getlist"):
            if self.field_name not in dictionary:
                return serializers.empty
            text = ",".join(dictionary.getlist(self.field_name))
            return [tag for tag in text.split(",") if tag.strip()]
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[str]:
        """Return the tags in the order given."""
        if isinstance(data, dict):
            if not all(isinstance(value, str | int) for value in data.values()):
                self.fail("invalid")
            data = [f"{key}:{value}" for key, value in data.items()]
        if not isinstance(data, list) or not all(isinstance(tag, str) for tag in data):
            self.fail("invalid")
        if len(data) > MAX_TAGS:
            self.fail("max_items")
        tags = list(dict.fromkeys(tag.strip() for tag in data))
        if "" in tags:
            self.fail("blank")
        if any(len(tag) > MAX_TAG for tag in tags):
            self.fail("max_length")
        return tags

    def to_representation(self, value: Any) -> list[str]:
        """Return the stored list."""
        return list(value)


@extend_schema_field({"type": "integer", "minimum": 1})
class IdField(serializers.IntegerField):
    """An id in a body: a whole number that a row can have; 1.5, true and 2**70 are refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Return the id."""
        if isinstance(data, bool | float):
            self.fail("invalid")
        value: int = super().to_internal_value(data)
        return value
