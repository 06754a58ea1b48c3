"""Making, changing, switching and removing endpoints: API, pages, admin and the sender all go through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from commandcenter.accounts.models import User
from commandcenter.core.encryption import DecryptionFailed
from commandcenter.core.signing import new_secret
from commandcenter.events.publish import publish
from commandcenter.inventory.models import Project
from webhooks import headers, hints
from webhooks.addresses import origin, told
from webhooks.exceptions import IllegalState, InvalidEndpoint
from webhooks.models import Endpoint, EndpointRun
from webhooks.noticing.making import note_disabled
from webhooks.retention import forget_deliveries
from webhooks.rotation import OVERLAP_HOURS, overlap_fault, renew
from webhooks.validation import LONGEST_REASON, MOST_ENDPOINTS, check

CHANGEABLE = frozenset(
    ["url", "description", "events", "conditions", "headers", "rate_limit", "ordered", "timeout_seconds"]
)
HIDDEN, REPLACED = "(hidden)", "(replaced)"


def create_endpoint(
    *, project: Project, values: Mapping[str, Any], by: User | None, enabled: bool = True, reason: str = ""
) -> tuple[Endpoint, str]:
    """Make an endpoint; return it and its secret, which nobody is shown again. Raises InvalidEndpoint."""
    values = _known(values)
    entered = _checked_headers(values.pop("headers", {}))
    secret = new_secret()
    endpoint = Endpoint(project=project, created_by=by, secret=secret, **values)
    _keep_headers(endpoint, _merged(None, entered))
    check(endpoint)
    if not enabled:
        _switch_off(endpoint, reason)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)  # two at once do not pass the limit
        if Endpoint.objects.filter(project=project).count() >= MOST_ENDPOINTS:
            message = f"A project has at most {MOST_ENDPOINTS} endpoints; remove one that is not used."
            raise InvalidEndpoint.single("project", "too_many", message)
        endpoint.save(force_insert=True)
        EndpointRun.objects.create(endpoint=endpoint)
        endpoint.refresh_from_db(fields=["disabled_at"])
        _publish("endpoint.created", endpoint, after=audited(endpoint))
    return endpoint, secret


def change_endpoint(endpoint: Endpoint, values: Mapping[str, Any], *, by: User | None) -> Endpoint:
    """Change some of its fields; a new address is tried at once, whatever became of the old one. Raises InvalidEndpoint.

    Headers do not follow to another host by themselves: whoever enters it must know their values.
    """
    del by  # the actor is the request's; the argument keeps every flow alike
    values = _known(values)
    entered = _checked_headers(values.pop("headers")) if "headers" in values else None
    with transaction.atomic():
        endpoint = locked(endpoint)
        before, url = audited(endpoint), endpoint.url
        for name, value in values.items():
            setattr(endpoint, name, value)
        check(endpoint)
        moved = origin(endpoint.url) != origin(url)
        if moved and _keeps_values(endpoint, entered):
            message = (
                "Enter the values of the headers again: they are not sent to another address by themselves."
            )
            raise InvalidEndpoint.single("headers", "required", message)
        after = audited(endpoint)
        if endpoint.url != url and after["url"] == before["url"]:  # the audit trail does not hold queries
            before["url"], after["url"] = f"{before['url']}?{HIDDEN}", f"{after['url']}?{REPLACED}"
        if entered is not None and _replace_headers(endpoint, entered):
            before["headers"] = dict.fromkeys(before["headers"], HIDDEN)
            after["headers"] = dict.fromkeys(endpoint.header_names, REPLACED)
        changed = [name for name in after if after[name] != before[name]]
        if changed:
            endpoint.save()
            if endpoint.url != url:
                _begin_anew(endpoint)
            _publish(
                "endpoint.updated",
                endpoint,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
            )
    return endpoint


def enable(endpoint: Endpoint, *, by: User | None) -> Endpoint:
    """Let it be told again, first of all what waited for it. Enabling twice changes nothing."""
    del by
    with transaction.atomic():
        endpoint = locked(endpoint)
        if endpoint.enabled:
            return endpoint
        endpoint.enabled, endpoint.disabled_reason, endpoint.disabled_at = True, "", None
        endpoint.save(update_fields=["enabled", "disabled_reason", "disabled_at", "updated_at"])
        _begin_anew(endpoint)
        _publish("endpoint.enabled", endpoint, before={"enabled": False}, after={"enabled": True})
    return endpoint


def disable(endpoint: Endpoint, *, by: User | None, reason: str = "") -> Endpoint:
    """Tell it nothing more; what waits for it is held. Twice changes nothing.

    `by` is None where the platform does it: then people hear of it by mail.
    """
    with transaction.atomic():
        endpoint = locked(endpoint)
        if not endpoint.enabled:
            return endpoint
        _switch_off(endpoint, reason)
        endpoint.save(update_fields=["enabled", "disabled_reason", "disabled_at", "updated_at"])
        endpoint.refresh_from_db(fields=["disabled_at"])
        _publish(
            "endpoint.disabled",
            endpoint,
            data={"reason": endpoint.disabled_reason or None},
            before={"enabled": True},
            after={"enabled": False},
        )
        if by is None:
            note_disabled(endpoint)
    return endpoint


def delete_endpoint(endpoint: Endpoint, *, by: User | None) -> None:
    """Remove it with its deliveries."""
    del by
    with transaction.atomic():
        endpoint = locked(endpoint, no_key=False)  # so that no delivery is added meanwhile
        _publish("endpoint.deleted", endpoint, before=audited(endpoint))
        forget_deliveries([endpoint.pk])
        endpoint.delete()


def rotate_secret(endpoint: Endpoint, *, by: User | None, overlap_hours: int = OVERLAP_HOURS) -> str:
    """Give it another secret and return that; for so long the one before signs as well, so that receivers can follow.

    A secret before the one before, still in its overlap, ends at once. Raises InvalidEndpoint.
    """
    del by
    if fault := overlap_fault(overlap_hours):
        raise InvalidEndpoint.single("overlap_hours", "out_of_range", fault)
    with transaction.atomic():
        endpoint = locked(endpoint)
        secret = renew(endpoint, overlap_hours)
        _publish("endpoint.secret_rotated", endpoint, after={"overlap_hours": overlap_hours})
    return secret


def require_enabled(endpoint: Endpoint) -> None:
    """Raise IllegalState for a disabled one."""
    if not endpoint.enabled:
        raise IllegalState("The endpoint is disabled; enable it first.", code="endpoint_disabled")


def try_now(endpoint: int) -> None:
    """Ask an endpoint whose circuit is open at once: who sends by hand has reason to think that it recovered.

    Should it not have, the next probe is no later for that.

    Call it before a delivery is locked, and after the endpoint where that is: sending and deleting lock in this order.
    """
    EndpointRun.objects.filter(endpoint=endpoint, probe_at__gt=Now()).update(
        probe_at=Now(), circuit_probes=Greatest(F("circuit_probes") - 1, 0)
    )


def locked(endpoint: Endpoint, *, no_key: bool = True) -> Endpoint:
    """Return the row as it is now, locked for this transaction; secrets are read when they are asked for.

    Raises Endpoint.DoesNotExist when it is gone.
    """
    return Endpoint.objects.without_secrets().select_for_update(no_key=no_key).get(pk=endpoint.pk)


def audited(endpoint: Endpoint) -> dict[str, Any]:
    """Return what the audit trail keeps of it, as JSON: of its headers the names."""
    shown = {name: getattr(endpoint, name) for name in sorted(CHANGEABLE - {"headers", "url"})}
    return shown | {
        "url": told(endpoint.url),
        "headers": dict.fromkeys(endpoint.header_names, HIDDEN),
        "enabled": endpoint.enabled,
    }


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(values.keys() - CHANGEABLE):
        raise ValueError(f"An endpoint has no such field to set: {', '.join(unknown)}.")
    return dict(values)


def _checked_headers(entered: Any) -> dict[str, str]:
    if faults := list(headers.faults(entered)):
        raise InvalidEndpoint([{"field": "headers", "code": "invalid", "message": fault} for fault in faults])
    return dict(entered)


def _merged(stored: str | None, entered: Mapping[str, str]) -> dict[str, str]:
    try:
        return headers.merged(stored, entered)
    except KeyError as error:
        message = f"The mask stands for a stored value, and {error.args[0]} has none; enter it."
        raise InvalidEndpoint.single("headers", "required", message) from None


def _keeps_values(endpoint: Endpoint, entered: Mapping[str, str] | None) -> bool:
    if entered is None:
        return bool(endpoint.header_names)
    return headers.MASK in entered.values()


def _replace_headers(endpoint: Endpoint, entered: Mapping[str, str]) -> bool:
    """Set them, and tell whether that changes anything. Where nobody can read what is stored, all is entered anew."""
    try:
        stored = endpoint.headers
    except DecryptionFailed:
        if headers.MASK in entered.values():
            message = (
                "The stored values cannot be read, for CC_ENCRYPTION_KEYS lacks their key; enter them again."
            )
            raise InvalidEndpoint.single("headers", "unreadable", message) from None
        _keep_headers(endpoint, dict(entered))
        return True
    wanted = _merged(stored, entered)
    if wanted == headers.read(stored):
        return False
    _keep_headers(endpoint, wanted)
    return True


def _keep_headers(endpoint: Endpoint, wanted: Mapping[str, str]) -> None:
    endpoint.headers, endpoint.header_names = headers.written(wanted), list(wanted)


def _switch_off(endpoint: Endpoint, reason: str) -> None:
    endpoint.enabled, endpoint.disabled_at = False, Now()
    endpoint.disabled_reason = reason.strip()[:LONGEST_REASON]


def _begin_anew(endpoint: Endpoint) -> None:
    """Forget how it fared, and send what is due."""
    EndpointRun.objects.filter(endpoint=endpoint).update(not_before=None, failing_since=None)
    close_circuit(endpoint)


def close_circuit(endpoint: Endpoint) -> None:
    """Let its deliveries go again, whatever failed before; that it only fails since a time is not forgotten."""
    EndpointRun.objects.filter(endpoint=endpoint).update(
        circuit_since=None,
        circuit_attempts=0,
        circuit_failures=0,
        circuit_opened_at=None,
        circuit_probes=0,
        probe_at=None,
    )
    transaction.on_commit(hints.send_soon, robust=True)


def _publish(type_: str, endpoint: Endpoint, *, data: dict[str, Any] | None = None, **audit: Any) -> None:
    publish(
        type_,
        project=endpoint.project_id,
        subject=("endpoint", endpoint.pk),
        data={"endpoint": endpoint.pk, "url": told(endpoint.url), **(data or {})},
        **audit,
    )
