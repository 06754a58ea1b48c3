"""The job type `import`: hands a job to the handler of its kind, which settings.IMPORT_KINDS names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from commandcenter.inventory.models import Project
from jobs.exceptions import InvalidParameters, JobFailed
from jobs.handlers import Handler, JobRunContext, Scope


@lru_cache(maxsize=32)
def _instance(path: str) -> Handler:
    handler: Handler = import_string(path)()
    return handler


def handler_of_kind(kind: object) -> Handler:
    """Return the handler of a kind of import. Raises InvalidParameters that names those there are."""
    path = settings.IMPORT_KINDS.get(kind) if isinstance(kind, str) else None
    if path is None:
        known = ", ".join(sorted(settings.IMPORT_KINDS))
        raise InvalidParameters.single(
            "parameters.kind", "unknown" if kind else "required", f"Say what to import. Use one of: {known}."
        )
    return _instance(path)


class ImportHandler:
    """Imports what `parameters.kind` says."""

    queue = "default"

    def validate(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return the parameters as the kind's handler cleaned them, with the kind."""
        kind = parameters.get("kind")
        handler = handler_of_kind(kind)
        rest = {name: value for name, value in parameters.items() if name != "kind"}
        return {"kind": kind, **handler.validate(rest, project=project)}

    def scope(self, parameters: dict[str, Any]) -> Scope:
        """Return the scope that the kind's handler gives."""
        return handler_of_kind(parameters["kind"]).scope(parameters)

    def run(self, run: JobRunContext) -> None:
        """Let the kind's handler do it."""
        try:
            handler = handler_of_kind(run.parameters["kind"])
        except InvalidParameters as error:
            raise JobFailed("unknown_kind", str(error)) from None
        handler.run(run)
