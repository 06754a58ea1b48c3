"""Storages that fail as real ones do: full, forgetful, corrupt, cut short, and a machine that dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage


class FullDisk(FileSystemStorage):
    """Has no space left: what is written goes to a device that says so."""

    def _save(self, name: str, content: File[Any]) -> str:
        with Path("/dev/full").open("wb") as full:
            full.write(content.read())
        return name


class Corrupting(FileSystemStorage):
    """Gives back one other bit than it was given."""

    def _save(self, name: str, content: File[Any]) -> str:
        data = bytearray(content.read())
        data[len(data) // 2] ^= 1
        saved: str = super()._save(name, ContentFile(bytes(data)))  # type: ignore[misc]
        return saved


class CuttingShort(FileSystemStorage):
    """Keeps the first half and says that all is well."""

    def _save(self, name: str, content: File[Any]) -> str:
        data = content.read()
        saved: str = super()._save(name, ContentFile(data[: len(data) // 2]))  # type: ignore[misc]
        return saved


class Forgetful(FileSystemStorage):
    """Says that all is well and keeps nothing."""

    def _save(self, name: str, content: File[Any]) -> str:
        content.read()
        return name


class DyingMidWrite(FileSystemStorage):
    """The machine dies when half the file is written."""

    def _save(self, name: str, content: File[Any]) -> str:
        data = content.read()
        super()._save(name, ContentFile(data[: len(data) // 2]))  # type: ignore[misc]
        os.kill(os.getpid(), signal.SIGKILL)
        return name


class DyingBeforeRead(FileSystemStorage):
    """The machine dies when the file is written and about to be read back."""

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        os.kill(os.getpid(), signal.SIGKILL)
        return super().open(name, mode)
