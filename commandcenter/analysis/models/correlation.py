"""The key under which secrets are named."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from commandcenter.core.encryption import EncryptedTextField


class CorrelationKey(models.Model):
    """The random key of this installation, in hexadecimal, encrypted at rest. One row; made on first use."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    key = EncryptedTextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="correlationkey_one"),
        ]

    def __str__(self) -> str:
        return f"key of {self.created_at:%Y-%m-%d}"
