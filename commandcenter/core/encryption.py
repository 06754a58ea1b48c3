"""Encryption at rest for credentials: Fernet with rotating keys, the newest first."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class DecryptionFailed(Exception):
    """A stored secret cannot be read with any of CC_ENCRYPTION_KEYS: add the key it was written with, at the end."""


@cache
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("Set CC_ENCRYPTION_KEYS: Fernet keys that encrypt stored credentials.")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            f"CC_ENCRYPTION_KEYS holds a key that is not a Fernet key: {error}"
        ) from None


def encrypt(text: str) -> bytes:
    """Return the text encrypted with the newest key."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode())


def decrypt(token: bytes) -> str:
    """Return the text; raise DecryptionFailed when no key fits."""
    try:
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(bytes(token)).decode()
    except InvalidToken as error:
        raise DecryptionFailed(DecryptionFailed.__doc__) from error


class EncryptedTextField(models.BinaryField):  # type: ignore[type-arg]
    """Text that lies encrypted in the database. It cannot be searched, and no form shows it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if isinstance(value, str):
            value = encrypt(value)
        return super().get_db_prep_value(value, connection, prepared)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> str | None:
        return None if value is None else decrypt(bytes(value))

    def to_python(self, value: Any) -> Any:
        return value
