"""What can be wrong with a change to the inventory. The docstring says what it means; the message what to do."""

from __future__ import annotations


class InventoryError(Exception):
    """A change that cannot be made. `code` is for programs, `field` names the value at fault."""

    code = "invalid"
    field = ""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = self.field if field is None else field


class InvalidCredentials(InventoryError):
    """The credentials are neither a string nor an object with a user name and a secret."""

    field = "credentials"


class LastAdmin(InventoryError):
    """A project would be left without an admin."""

    code = "last_admin"


class AlreadyMember(InventoryError):
    """The person has a role in the project already."""

    code = "already_member"


class CannotMove(InventoryError):
    """An object stays in the project it was made in: its jobs and results belong there."""

    code = "cannot_move"
    field = "project"
