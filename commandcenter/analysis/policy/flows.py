"""Making, changing and removing policies: API, pages and admin all write through these, and each publishes its event."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Policy
from commandcenter.analysis.policy import conditions as reading
from commandcenter.events.publish import publish
from commandcenter.inventory.exceptions import CannotMove, InventoryError
from commandcenter.inventory.flows.changes import apply
from commandcenter.inventory.models import Project


class PolicyExists(InventoryError):
    """The project has a policy already."""

    code = "policy_exists"
    field = "project"


def create_policy(
    *,
    by: User | AnonymousUser | None,
    project: Project,
    name: str,
    conditions: list[dict[str, Any]],
    enabled: bool = True,
    unknown_fails: bool = False,
) -> Policy:
    """Make the project's policy. Raises InvalidConditions, and PolicyExists where it has one."""
    del by  # the actor is the request's; the argument keeps every flow alike
    stored = _stored(conditions)
    try:
        with transaction.atomic():
            policy = Policy.objects.create(
                project=project,
                name=name,
                enabled=enabled,
                unknown_fails=unknown_fails,
                conditions=stored,
            )
            _publish("policy.created", policy, after=_audited(policy))
    except IntegrityError:
        if Policy.objects.filter(project=project).exists():
            raise PolicyExists("The project has a policy already: change that one.") from None
        raise
    return policy


def update_policy(policy: Policy, *, by: User | AnonymousUser | None, **values: Any) -> Policy:
    """Change a policy; verdicts of earlier analyses stay as they are. Raises InvalidConditions."""
    del by
    project = values.pop("project", None)
    if project is not None and project.pk != policy.project_id:
        raise CannotMove("A policy stays in its project; make one in the other project.")
    if "conditions" in values:
        values["conditions"] = _stored(values["conditions"])
    with transaction.atomic():
        before, after = apply(policy, values)
        if after:
            _publish("policy.updated", policy, before=before, after=after)
    return policy


def delete_policy(policy: Policy, *, by: User | AnonymousUser | None) -> None:
    """Remove a policy; what it made of analyses stays with them."""
    del by
    with transaction.atomic():
        # It waits for verdicts that are being written by it, and later ones find it gone.
        Policy.objects.select_for_update().filter(pk=policy.pk).first()
        _publish("policy.deleted", policy, before=_audited(policy))
        policy.delete()


def _stored(given: object) -> list[dict[str, Any]]:
    return [condition.stored() for condition in reading.read(given)]


def _audited(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "enabled": policy.enabled,
        "unknown_fails": policy.unknown_fails,
        "conditions": policy.conditions,
    }


def _publish(
    kind: str,
    policy: Policy,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    publish(
        kind,
        project=policy.project_id,
        subject=("policy", policy.pk),
        data={"policy": policy.pk, "name": policy.name, "enabled": policy.enabled},
        before=before,
        after=after,
    )
