"""What may be read, with what: the engine's source rules under this installation's settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source import check_source, open_source
from commandcenter.engine.source.location import parse
from commandcenter.engine.source.model import Credentials, SourcePolicy, TreeRef
from commandcenter.inventory.models import Repository


def policy() -> SourcePolicy:
    """Return which local folders and private networks may be read here."""
    return SourcePolicy(roots=tuple(settings.SOURCE_ROOTS), outbound_allow=tuple(settings.OUTBOUND_ALLOW))


def validate_source(source: str) -> str:
    """Return the source as it is stored. Raises ValidationError for one that could never be read here.

    Nothing is fetched: whether the source exists and answers is found out by its first analysis.
    """
    source = source.strip()
    try:
        check_source(source, policy())
    except SourceError as error:
        raise ValidationError(str(error), code=error.code) from error
    return source


def as_local_path(source: str) -> Path | None:
    """Return the absolute path that a source means on this machine, None for an address. Raises ValidationError."""
    try:
        location = parse(source.strip(), policy())
    except SourceError as error:
        raise ValidationError(str(error), code=error.code) from error
    return Path(location).expanduser().absolute() if isinstance(location, str) else None


def credentials_of(repository: Repository) -> Credentials | None:
    """Return what the repository is read with; None when it is public or local."""
    secret = repository.credential_secret
    return Credentials(repository.credential_username or None, str(secret)) if secret else None


def open_repository(
    repository: Repository, ref: str, *, progress: Callable[[str], None], cancelled: Callable[[], bool]
) -> TreeRef:
    """Fetch the ref (empty: the default branch) into the mirror and return its commit. Raises EngineError."""
    return open_source(
        repository.source,
        ref=ref or repository.default_branch or None,
        mirrors=settings.MIRRORS_DIR,
        policy=policy(),
        limits=settings.ENGINE_LIMITS,
        credentials=credentials_of(repository),
        progress=progress,
        cancelled=cancelled,
    )
