"""What a delivery tells of a push: which branch is where now, or why there is nothing to analyse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhooks.exceptions import UnreadableDelivery

GITHUB_PUSH, GITHUB_PING, GITLAB_PUSH = "push", "ping", "Push Hook"
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Told:
    """What was told. `own_branch` is the one the code host takes for the repository's own; `reason` why nothing is done."""

    event: str
    branch: str = ""
    commit: str = ""
    own_branch: str = ""
    reason: str = ""
    detail: str = ""


def of_github(event: str, payload: Mapping[str, Any]) -> Told:
    """Read GitHub's event `push`. Raises UnreadableDelivery."""
    repository = _object(payload, "repository")
    gone = _truth(payload, "deleted")
    archived = _truth(repository, "archived")
    return _push(event, payload, _text(repository, "default_branch"), gone=gone, archived=archived)


def of_gitlab(event: str, payload: Mapping[str, Any]) -> Told:
    """Read GitLab's `Push Hook`. Raises UnreadableDelivery."""
    return _push(event, payload, _text(_object(payload, "project"), "default_branch"))


def other(event: str, wanted: str) -> Told:
    """Return what is told by an event that is none of a push."""
    return Told(event, reason="event", detail=f"Nothing is done on this event; {wanted} is what counts.")


def _push(
    event: str, payload: Mapping[str, Any], own_branch: str, *, gone: bool = False, archived: bool = False
) -> Told:
    ref, commit = _text(payload, "ref", needed=True), _text(payload, "after", needed=True)
    if not _COMMIT.fullmatch(commit):
        raise UnreadableDelivery("`after` must be the id of a commit.")
    branch = ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else ""
    if not branch:
        kind = "tag" if ref.startswith(_TAGS) else "ref"
        return Told(event, reason=kind, detail="Only pushes to branches are analysed.")
    if gone or not commit.strip("0"):
        reason, detail = "branch_deleted", "The branch was deleted; its analyses stay."
        return Told(event, branch, own_branch=own_branch, reason=reason, detail=detail)
    if archived:
        reason, detail = "archived", "The repository is archived at its code host."
        return Told(event, branch, commit, own_branch, reason, detail)
    return Told(event, branch, commit, own_branch)


def _text(payload: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    value = payload.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str):
        raise UnreadableDelivery(f"`{name}` must be a text.")
    return value


def _truth(payload: Mapping[str, Any], name: str) -> bool:
    value = payload.get(name, False)
    if not isinstance(value, bool):
        raise UnreadableDelivery(f"`{name}` must be true or false.")
    return value


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = payload.get(name, {})
    if not isinstance(value, dict):
        raise UnreadableDelivery(f"`{name}` must be an object.")
    return value
