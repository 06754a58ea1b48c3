"""Registering, changing and removing repositories; secrets go into the encrypted column and nowhere else."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from commandcenter.accounts.models import User
from commandcenter.core.encryption import DecryptionFailed
from commandcenter.events.publish import publish
from commandcenter.inventory.credentials import Credentials, same_place, take_from_url
from commandcenter.inventory.exceptions import CannotMove
from commandcenter.inventory.flows.changes import apply
from commandcenter.inventory.models import Project, Repository


def create_repository(
    *,
    by: User | AnonymousUser | None,
    project: Project,
    name: str,
    source: str,
    default_branch: str = "",
    credentials: Any = None,
    tags: list[str] | None = None,
) -> Repository:
    """Register a repository. `source` has passed the source validator; `credentials` as Credentials.read takes them.

    A secret inside an http(s) source moves into the credentials, unless others are given.
    """
    del by
    source, found = take_from_url(source)
    secret = found if credentials is None else Credentials.read(credentials)
    with transaction.atomic():
        repository = Repository.objects.create(
            project=project,
            name=name,
            source=source,
            default_branch=default_branch,
            credential_username=secret.username if secret else "",
            credential_secret=secret.secret if secret else None,
            tags=tags or [],
        )
        _publish("repository.created", repository, after=_audited(repository))
    return repository


def update_repository(
    repository: Repository, *, by: User | AnonymousUser | None, credentials: Any = None, **values: Any
) -> Repository:
    """Change a repository. `credentials`: None keeps them, {} removes them.

    A source on another host drops the stored credentials unless they are sent along: a secret must not follow an
    address that its owner did not choose for it.
    """
    del by
    project = values.pop("project", None)
    if project is not None and project.pk != repository.project_id:
        raise CannotMove("A repository stays in its project; register it in the other one.")
    secret = None if credentials is None else Credentials.read(credentials)
    if "source" in values:
        values["source"], found = take_from_url(values["source"])
        secret = secret or found
        if secret is None and not same_place(repository.source, values["source"]):
            secret = Credentials()
    with transaction.atomic():
        before, after = apply(repository, values)
        if secret is not None and _store(repository, secret):
            before["credentials"], after["credentials"] = "(hidden)", "(changed)"
        if after:
            _publish("repository.updated", repository, before=before, after=after)
    return repository


def delete_repository(repository: Repository, *, by: User | AnonymousUser | None) -> None:
    """Remove a repository with its analyses and findings."""
    del by
    with transaction.atomic():
        _publish("repository.deleted", repository, before=_audited(repository))
        repository.delete()


def _store(repository: Repository, secret: Credentials) -> bool:
    """Write the secret when it differs and say whether it did."""
    try:
        if Credentials(repository.credential_username, repository.credential_secret) == secret:
            return False
    except DecryptionFailed:
        pass  # written with a key that is gone: the new ones replace it
    repository.credential_username = secret.username
    repository.credential_secret = secret.secret
    repository.save(update_fields=["credential_username", "credential_secret", "updated_at"])
    return True


def _audited(repository: Repository) -> dict[str, Any]:
    return {
        "name": repository.name,
        "source": repository.source,
        "default_branch": repository.default_branch,
        "tags": repository.tags,
        # asked of the database, so that a secret whose key is gone does not stop anybody
        "has_credentials": Repository.objects.filter(
            pk=repository.pk, credential_secret__isnull=False
        ).exists(),
    }


def _publish(
    kind: str,
    repository: Repository,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    data: dict[str, Any] = {
        "repository": repository.pk,
        "name": repository.name,
        "source": repository.source,
        "default_branch": repository.default_branch,
        "tags": repository.tags,
    }
    if kind == "repository.updated":
        data["changed"] = sorted(after or {})
    publish(
        kind,
        project=repository.project_id,
        subject=("repository", repository.pk),
        data=data,
        before=before,
        after=after,
    )
