"""Reads the parameters of an analysis job: {repository, ref, force}."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.refs import check_name
from commandcenter.inventory.models import Project, Repository
from jobs.exceptions import FieldError, InvalidParameters

KNOWN = ("repository", "ref", "force")
MAX_REF = 255


@dataclass(frozen=True, slots=True)
class Known:
    """What has to be known of a repository before its analysis can be asked for."""

    project_id: int
    default_branch: str


def look_up(asked: Iterable[Mapping[str, Any]]) -> dict[int, Known]:
    """Return the repositories that these parameters name, by id, in one query."""
    ids = {given["repository"] for given in asked if _is_id(given.get("repository"))}
    if not ids:
        return {}
    rows = Repository.objects.filter(pk__in=ids).values_list("pk", "project_id", "default_branch")
    return {pk: Known(project_id, branch) for pk, project_id, branch in rows}


def cleaned(
    parameters: dict[str, Any], *, project: Project, known: Mapping[int, Known] | None = None
) -> dict[str, Any]:
    """Return {repository: id, ref: str, force: bool}. Raises InvalidParameters naming each that cannot be used.

    `known` is what `look_up` found, where that was done for many.
    """
    known = look_up([parameters]) if known is None else known
    errors: list[FieldError] = []

    def wrong(field: str, code: str, message: str) -> None:
        errors.append({"field": f"parameters.{field}", "code": code, "message": message})

    for name in sorted(parameters.keys() - set(KNOWN)):
        wrong(str(name)[:60], "unknown", f"An analysis takes {', '.join(KNOWN)} and nothing else.")
    repository = parameters.get("repository")
    if repository is None:
        wrong("repository", "required", "Name the repository to analyse by its id.")
    elif not _is_id(repository) or repository not in known or known[repository].project_id != project.pk:
        wrong("repository", "unknown", "The project has no repository with this id.")
    ref = parameters.get("ref") or ""
    if message := ref_fault(ref):
        wrong("ref", "invalid", message)
    force = parameters.get("force", False)
    if not isinstance(force, bool):
        wrong("force", "invalid", "force is true or false.")
    if errors:
        raise InvalidParameters(errors)
    return {"repository": repository, "ref": ref, "force": force}


def ref_fault(ref: object) -> str:
    """Return what is wrong with a ref, empty when it can be asked for; an empty one means the default branch."""
    if not isinstance(ref, str):
        return "A ref is the name of a branch or tag, or a commit."
    if len(ref) > MAX_REF:
        return f"A ref has at most {MAX_REF} characters."
    try:
        if ref:
            check_name(ref)
    except SourceError as error:
        return str(error)
    return ""


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
