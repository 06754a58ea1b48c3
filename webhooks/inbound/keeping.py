"""Making, changing and removing inbound sources: API, pages and admin all go through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from commandcenter.accounts.models import User
from commandcenter.core.signing import new_secret
from commandcenter.events.publish import publish
from commandcenter.inventory.branches import validate_branch
from commandcenter.inventory.models import Repository
from webhooks.exceptions import InvalidInboundSource
from webhooks.inbound import branches
from webhooks.models import InboundKind, InboundSource
from webhooks.rotation import OVERLAP_HOURS, overlap_fault, renew

CHANGEABLE = frozenset(["branches", "enabled"])


def create_source(
    *, repository: Repository, kind: str, by: User | None, watched: Any = (), enabled: bool = True
) -> tuple[InboundSource, str]:
    """Let a code host tell of pushes; return the source and its secret, which nobody is shown again.

    `watched` are patterns of branches, none for the repository's own. Raises InvalidInboundSource.
    """
    if kind not in InboundKind.values:
        raise InvalidInboundSource.single("kind", "unknown", f"Give one of {', '.join(InboundKind.values)}.")
    secret = new_secret()
    source = InboundSource(
        repository=repository,
        kind=kind,
        branches=_checked(watched),
        enabled=enabled,
        secret=secret,
        created_by=by,
    )
    try:
        with transaction.atomic():
            source.save(force_insert=True)
            _publish("inbound.created", source, after=audited(source))
    except IntegrityError as error:
        if "inbound_source_once" not in str(error):
            raise
        message = "The repository has a source of this kind; change it, or give it another secret."
        raise InvalidInboundSource.single("kind", "exists", message) from None
    return source, secret


def change_source(source: InboundSource, values: Mapping[str, Any], *, by: User | None) -> InboundSource:
    """Change which branches are watched, or whether it is listened to. Raises InvalidInboundSource."""
    del by  # the actor is the request's; the argument keeps every flow alike
    if unknown := sorted(values.keys() - CHANGEABLE):
        raise ValueError(f"An inbound source has no such field to set: {', '.join(unknown)}.")
    if "branches" in values:
        values = {**values, "branches": _checked(values["branches"])}
    with transaction.atomic():
        source = locked(source)
        before = audited(source)
        for name, value in values.items():
            setattr(source, name, value)
        after = audited(source)
        changed = [name for name in after if after[name] != before[name]]
        if changed:
            source.save(update_fields=[*changed, "updated_at"])
            _publish(
                "inbound.updated",
                source,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
            )
    return source


def delete_source(source: InboundSource, *, by: User | None) -> None:
    """Remove it with what it told; the jobs that were started stay."""
    del by
    with transaction.atomic():
        source = locked(source)
        _publish("inbound.deleted", source, before=audited(source))
        source.delete()


def rotate_secret(source: InboundSource, *, by: User | None, overlap_hours: int = OVERLAP_HOURS) -> str:
    """Give it another secret and return that; for so long the one before is taken as well.

    A secret before the one before, still in its overlap, ends at once. Raises InvalidInboundSource.
    """
    del by
    if fault := overlap_fault(overlap_hours):
        raise InvalidInboundSource.single("overlap_hours", "out_of_range", fault)
    with transaction.atomic():
        source = locked(source)
        secret = renew(source, overlap_hours)
        _publish("inbound.secret_rotated", source, after={"overlap_hours": overlap_hours})
    return secret


def locked(source: InboundSource) -> InboundSource:
    """Return the row as it is now, locked for this transaction; secrets are read when they are asked for.

    Raises InboundSource.DoesNotExist when it is gone.
    """
    rows = InboundSource.objects.with_repository().select_related("repository__project").without_secrets()
    return rows.select_for_update(of=("self",), no_key=True).get(pk=source.pk)


def audited(source: InboundSource) -> dict[str, Any]:
    """Return what the audit trail keeps of it, as JSON."""
    return {name: getattr(source, name) for name in sorted(CHANGEABLE)}


def _checked(watched: Any) -> list[str]:
    """Return the patterns without repetition. Raises InvalidInboundSource."""
    if isinstance(watched, str) or len(watched) > branches.MOST_PATTERNS:
        message = f"Give a list of at most {branches.MOST_PATTERNS} patterns."
        raise InvalidInboundSource.single("branches", "too_many", message)
    for pattern in watched:
        message = branches.fault(pattern)
        try:
            if not message:
                validate_branch(pattern.replace("*", "x"))
        except ValidationError:
            message = f"No branch can be called {pattern!r}."
        if message:
            raise InvalidInboundSource.single("branches", "invalid", message)
    return list(dict.fromkeys(watched))


def _publish(type_: str, source: InboundSource, **audit: Any) -> None:
    publish(
        type_,
        project=source.repository.project_id,
        subject=("inbound", source.pk),
        data={"source": source.pk, "repository": source.repository_id, "kind": source.kind},
        **audit,
    )
