"""The inventory's own exceptions as problems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.exceptions import ValidationError

from commandcenter.core.problems import Conflict
from commandcenter.inventory.exceptions import AlreadyMember, InventoryError, LastAdmin


@contextmanager
def as_problems() -> Iterator[None]:
    """Answer 409 for what the state forbids, 400 for what the values do."""
    try:
        yield
    except (AlreadyMember, LastAdmin) as error:
        raise Conflict(error.code, error.message) from None
    except InventoryError as error:
        raise ValidationError({error.field or "non_field_errors": [error.message]}, code=error.code) from None
