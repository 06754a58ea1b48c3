"""Reads the parameters of an analysis job: {repository, ref, force}."""

from __future__ import annotations

from typing import Any

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.refs import check_name
from commandcenter.inventory.models import Project, Repository
from jobs.exceptions import FieldError, InvalidParameters

KNOWN = ("repository", "ref", "force")
MAX_REF = 255


def cleaned(parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
    """Return {repository: id, ref: str, force: bool}. Raises InvalidParameters naming each that cannot be used."""
    errors: list[FieldError] = []

    def wrong(field: str, code: str, message: str) -> None:
        errors.append({"field": f"parameters.{field}", "code": code, "message": message})

    for name in sorted(parameters.keys() - set(KNOWN)):
        wrong(str(name)[:60], "unknown", f"An analysis takes {', '.join(KNOWN)} and nothing else.")
    repository = parameters.get("repository")
    if repository is None:
        wrong("repository", "required", "Name the repository to analyse by its id.")
    elif not _is_id(repository) or not Repository.objects.filter(pk=repository, project=project).exists():
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
