"""Making, changing and removing targets; each is a change of the project's settings in the audit trail, without secrets."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from commandcenter.core.signing import key_of
from commandcenter.events.publish import publish
from commandcenter.inventory.flows.changes import apply
from commandcenter.inventory.models import Project
from commandcenter.outbound import literal, url_fault
from exports.delivery.github import NAME
from exports.delivery.models import Action, DeliveryTarget, TargetKind

GITHUB = "https://api.github.com"
MAX_TARGETS = 20  # of a project
MAX_TOKEN = 1000
_AUDITED = ("name", "kind", "url", "repository", "actions", "enabled")


class InvalidTarget(Exception):
    """A value that a target cannot have."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field, self.code, self.message = field, code, message


def create_target(project: Project, values: dict[str, Any]) -> DeliveryTarget:
    """Make a target. Raises InvalidTarget."""
    target = DeliveryTarget(project=project, **values)
    _check(target, str(values["token"]))
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)  # so that two at once do not pass the limit
        if DeliveryTarget.objects.filter(project=project).count() >= MAX_TARGETS:
            raise InvalidTarget(
                "project", "too_many", f"A project has at most {MAX_TARGETS} delivery targets."
            )
        _require_free_name(project.pk, target.name)
        target.save()
        _publish(target, before=None, after=_audited(target))
    return target


def update_target(target: DeliveryTarget, values: dict[str, Any]) -> DeliveryTarget:
    """Change a target. Raises InvalidTarget. Without a token in `values` the stored one is kept, and is not read.

    Another address needs the token again: a stored secret must not follow an address that its owner did not choose.
    """
    token = values.pop("token", None)
    for name, fixed in (("kind", target.kind), ("project", target.project)):
        if values.pop(name, fixed) != fixed:
            raise InvalidTarget(name, "fixed", f"A target keeps its {name}; make another one.")
    wanted = DeliveryTarget(**(_audited(target) | values))
    _check(wanted, token)
    if wanted.url != target.url and token is None:
        raise InvalidTarget("token", "required", "Enter the token again: it is not sent to another address.")
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=target.project_id)  # so that two do not take one name
        if wanted.name != target.name:
            _require_free_name(target.project_id, wanted.name)
        before, after = apply(target, {name: getattr(wanted, name) for name in values})
        if token is not None:
            target.token = token
            target.save(update_fields=["token", "updated_at"])
            before, after = {**before, "token": "(hidden)"}, {**after, "token": "(replaced)"}
        if after:
            _publish(target, before=before, after=after)
    return target


def delete_target(target: DeliveryTarget) -> None:
    """Remove a target with its deliveries."""
    with transaction.atomic():
        _publish(target, before=_audited(target), after=None)
        target.delete()


def _require_free_name(project: int, name: str) -> None:
    """Refuse a name that is taken; the project is locked."""
    if DeliveryTarget.objects.filter(project=project, name=name).exists():
        raise InvalidTarget("name", "unique", "The project has a delivery target of this name.")


def _check(target: DeliveryTarget, token: str | None) -> None:
    """Bring the address into its one form, and refuse what cannot be used. The token is looked at where it is new."""
    target.url = _address(target.url)
    if target.kind == TargetKind.WEBHOOK:
        if target.actions or target.repository:
            name = "actions" if target.actions else "repository"
            raise InvalidTarget(name, "not_for_webhooks", "A webhook gets the file itself and takes neither.")
        if token is not None:
            _check_secret(token)
        return
    target.url = target.url.rstrip("/")
    if "?" in target.url:
        raise InvalidTarget("url", "invalid", "Give the address of GitHub's API, without a query.")
    if not target.actions:
        raise InvalidTarget("actions", "required", f"Name one or more of: {', '.join(Action.values)}.")
    if target.repository and not NAME.fullmatch(target.repository):
        raise InvalidTarget("repository", "invalid", "Give the repository as owner/name.")
    if token is None:
        return
    if not token or len(token) > MAX_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidTarget("token", "invalid", "This is no token of GitHub.")


def _check_secret(token: str) -> None:
    try:
        key_of(token)
    except ValueError as error:
        raise InvalidTarget("token", "invalid", str(error)) from None


def _address(url: str) -> str:
    """Return an address that may be dialled as far as can be told without looking its name up.

    Without TLS only addresses that CC_OUTBOUND_ALLOW names are taken: a token must not cross the internet in the open.
    """
    if fault := url_fault(url, settings.OUTBOUND_ALLOW):
        raise InvalidTarget("url", "invalid", fault)
    parts = urlsplit(url)
    address = literal(parts.hostname or "")
    if parts.scheme == "http":
        inside = address is not None and any(
            address in network for network in settings.OUTBOUND_ALLOW if network.version == address.version
        )
        if not inside:
            message = "Give an https address: plain http is for addresses that CC_OUTBOUND_ALLOW names."
            raise InvalidTarget("url", "invalid", message)
    return url


def _audited(target: DeliveryTarget) -> dict[str, Any]:
    return {name: getattr(target, name) for name in _AUDITED}


def _publish(target: DeliveryTarget, *, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    project = target.project
    publish(
        "project.updated",
        project=project.pk,
        subject=("project", project.pk),
        data={"project": project.pk, "name": project.name, "slug": project.slug},
        before={"delivery_target": {"id": target.pk, **before}} if before else None,
        after={"delivery_target": {"id": target.pk, **after}} if after else None,
    )
