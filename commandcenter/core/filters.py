"""Query parameters that several lists share, read strictly: a value that cannot be meant is 400."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet

from commandcenter.core.fields import MAX_ID, MAX_TAG


class IdFormField(forms.IntegerField):
    """A whole number that a row's id can be."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("min_value", None)
        kwargs.pop("max_value", None)
        super().__init__(*args, min_value=1, max_value=MAX_ID, **kwargs)


class IdFilter(django_filters.Filter):  # type: ignore[misc]
    """`?project=1`."""

    field_class = IdFormField


class TruthFormField(forms.Field):
    """True or false; forms' own field takes whatever else it is given for "any"."""

    default_error_messages = {"invalid": "Give true or false."}

    def to_python(self, value: Any) -> bool | None:
        """Return what was meant, None for nothing."""
        if value in self.empty_values:
            return None
        word = str(value).lower()
        if word not in {"true", "false"}:
            raise forms.ValidationError(self.default_error_messages["invalid"], code="invalid")
        return word == "true"


class TruthFilter(django_filters.BooleanFilter):  # type: ignore[misc]
    """`?enabled=true`."""

    field_class = TruthFormField


class ChoicesFormField(django_filters.fields.MultipleChoiceField):  # type: ignore[misc]
    """Choices of which empty ones, as forms send them for "any", are left out."""

    def to_python(self, value: Any) -> list[str]:
        """Return the choices that were made."""
        return [choice for choice in super().to_python(value) if choice]


class ChoicesFilter(django_filters.MultipleChoiceFilter):  # type: ignore[misc]
    """`?status=a&status=b`: rows with any of these."""

    field_class = ChoicesFormField


class TagFilter(django_filters.CharFilter):  # type: ignore[misc]
    """`?tag=x`: rows whose JSON list of tags holds this one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, max_length=MAX_TAG, **kwargs)

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Return the rows that carry the tag."""
        return qs.filter(**{f"{self.field_name}__contains": [value]}) if value else qs
