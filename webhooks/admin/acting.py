"""Actions on rows that people have chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest

from webhooks.exceptions import IllegalState

MAX_SELECTED = 200


class Acting:
    """Actions on selected rows, which go through the flows one by one and say what stood against them."""

    permission: str
    actions: tuple[str, ...]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer what changes something only to those who may."""
        allowed: dict[str, Any] = super().get_actions(request)  # type: ignore[misc]
        if not request.user.has_perm(self.permission):
            allowed = {name: each for name, each in allowed.items() if name not in self.actions}
        return allowed

    def act(self, request: HttpRequest, chosen: QuerySet[Any], do: Callable[[Any], Any], done: str) -> None:
        """Do something with each of the first rows, and count what went well."""
        count = 0
        for each in chosen[:MAX_SELECTED]:
            try:
                do(each)
                count += 1
            except IllegalState as error:
                messages.warning(request, f"{each}: {error}")
            except ObjectDoesNotExist:
                messages.warning(request, f"{each}: it is not there any more.")
        messages.info(request, f"{count} {done}.")


def user_of(request: HttpRequest) -> Any:
    """Return who acts; the admin is for those who are signed in."""
    return request.user
