"""Credentials lie encrypted; new keys encrypt, old keys still read, a lost key is one clear error."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from commandcenter.core.encryption import DecryptionFailed, decrypt, encrypt
from commandcenter.inventory.flows.repositories import delete_repository, update_repository
from commandcenter.inventory.models import Repository
from commandcenter.inventory.tests.factories import make_repository

OLD = Fernet.generate_key().decode()
NEW = Fernet.generate_key().decode()


def test_old_key_reads_and_new_key_writes(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    stored = encrypt("hunter2")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert decrypt(stored) == "hunter2"
    fresh = encrypt("hunter2")
    settings.ENCRYPTION_KEYS = [NEW]
    assert decrypt(fresh) == "hunter2"
    with pytest.raises(DecryptionFailed):
        decrypt(stored)


@pytest.mark.parametrize("keys", [[], ["short"], ["ü" * 44]])
def test_keys_that_are_none_are_told(settings: Any, keys: list[str]) -> None:
    settings.ENCRYPTION_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="CC_ENCRYPTION_KEYS"):
        encrypt("x")


@pytest.mark.django_db
def test_column_holds_no_plain_text_and_the_field_reads_it() -> None:
    repository = make_repository(credentials={"username": "ci", "password": "hunter2"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT credential_secret FROM inventory_repository WHERE id = %s", [repository.pk])
        raw = bytes(cursor.fetchone()[0])
    assert b"hunter2" not in raw
    assert Repository.objects.get(pk=repository.pk).credential_secret == "hunter2"


@pytest.mark.django_db
def test_repository_whose_key_is_lost_can_be_given_new_credentials_and_removed(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    pk = make_repository(credentials="hunter2").pk
    settings.ENCRYPTION_KEYS = [NEW]
    repository = Repository.objects.without_secrets().get(pk=pk)
    with pytest.raises(DecryptionFailed):
        _ = repository.credential_secret
    update_repository(Repository.objects.without_secrets().get(pk=pk), by=None, credentials="swordfish")
    assert Repository.objects.get(pk=pk).credential_secret == "swordfish"
    settings.ENCRYPTION_KEYS = [OLD]
    delete_repository(Repository.objects.without_secrets().get(pk=pk), by=None)
    assert not Repository.objects.filter(pk=pk).exists()
