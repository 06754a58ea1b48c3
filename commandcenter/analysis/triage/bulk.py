"""One decision about many findings: what may be done is done, the rest is skipped with a reason, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from commandcenter.accounts.models import User
from commandcenter.analysis.models import Finding, SuppressionKind
from commandcenter.analysis.triage.assign import assign
from commandcenter.analysis.triage.comment import comment
from commandcenter.analysis.triage.outcome import Outcome, Skipped
from commandcenter.analysis.triage.reopen import reopen
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.inventory.models import Membership, Role


@dataclass(frozen=True, slots=True)
class Suppress:
    """See `suppress.suppress`."""

    reason: str
    kind: SuppressionKind = SuppressionKind.ACCEPTED_RISK
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """See `reopen.reopen`."""

    comment: str = ""


@dataclass(frozen=True, slots=True)
class Assign:
    """See `assign.assign`."""

    assignee: User | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """See `comment.comment`."""

    text: str


Decision = Suppress | Reopen | Assign | Comment


def decide(
    decision: Decision, finding_ids: Sequence[int], *, by: User, token_projects: list[int] | None = None
) -> Outcome:
    """Apply a decision to those of at most 1,000 findings for which it is allowed and makes sense."""
    allowed, refused = permitted(finding_ids, by, token_projects=token_projects)
    outcome = carry_out(decision, allowed, by=by)
    met = {*outcome.done, *(each.id for each in outcome.skipped)}
    gone = [Skipped(pk, "not_found") for pk in allowed if pk not in met]  # deleted meanwhile
    return outcome.together([*refused, *gone])


def carry_out(decision: Decision, finding_ids: Sequence[int], *, by: User) -> Outcome:
    """Apply a decision to findings that the user may decide about."""
    match decision:
        case Suppress(reason, kind, expires_at):
            return suppress(finding_ids, by=by, reason=reason, kind=kind, expires_at=expires_at)
        case Reopen(words):
            return reopen(finding_ids, by=by, comment=words)
        case Assign(assignee, words):
            return assign(finding_ids, by=by, assignee=assignee, comment=words)
        case Comment(text):
            return comment(finding_ids, by=by, text=text)


def permitted(
    finding_ids: Sequence[int], user: User, *, token_projects: list[int] | None = None
) -> tuple[list[int], list[Skipped]]:
    """Return the findings that the user may decide about, as operator or above, and the others with the reason.

    A finding that they may not see is `not_found`, as one that does not exist. Two queries.
    """
    ids = sorted(set(finding_ids))
    visible = Finding.objects.visible_to(user, token_projects=token_projects).filter(pk__in=ids)
    projects = dict(visible.values_list("pk", "repository__project_id"))
    enough = [role for role in Role if role.covers(Role.OPERATOR)]
    held = Membership.objects.filter(user=user, project__in=set(projects.values()), role__in=enough)
    operable = set(projects.values()) if user.is_staff else set(held.values_list("project_id", flat=True))
    allowed = [pk for pk in ids if projects.get(pk) in operable]
    skipped = [
        Skipped(pk, "forbidden" if pk in projects else "not_found")
        for pk in ids
        if projects.get(pk) not in operable
    ]
    return allowed, skipped
