"""The job type `batch_export`: an export of its own for each of many analyses of a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from commandcenter.inventory.models import Project
from exports.parameters import cleaned, unusable
from jobs.batch.batches import BatchHandler, ChildSpec
from jobs.exceptions import FieldError, InvalidParameters
from jobs.models import JobType

KNOWN = ("analysis_ids", "format", "options")


class BatchExportHandler(BatchHandler):
    """Exports each analysis to a file of its own; those that cannot be exported do not keep the others from it."""

    def cleaned(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return {analysis_ids, format, options}; raise InvalidParameters."""
        errors: list[FieldError] = []

        def wrong(field: str, code: str, message: str) -> None:
            errors.append({"field": f"parameters.{field}", "code": code, "message": message})

        for name in sorted(str(name) for name in parameters.keys() - set(KNOWN)):
            wrong(name[:60], "unknown", f"A batch of exports takes {', '.join(KNOWN)} and nothing else.")
        asked = parameters.get("analysis_ids")
        limit: int = settings.BATCH_MAX_CHILDREN
        ids: list[int] = []
        if not isinstance(asked, list) or not asked or not all(map(_is_id, asked)):
            wrong("analysis_ids", "invalid", "Give a list of ids of analyses.")
        elif len(ids := list(dict.fromkeys(asked))) > limit:
            wrong("analysis_ids", "too_many", f"One batch has at most {limit:,} analyses.")
        else:
            for code, message in unusable(ids, project):
                wrong("analysis_ids", code, message)
        form = {"format": parameters.get("format"), "options": parameters.get("options")}
        errors += _form_errors(form, project)
        if errors:
            raise InvalidParameters(errors)
        return {"analysis_ids": ids, "format": form["format"], "options": form["options"] or {}}

    def children(self, parameters: dict[str, Any], project_id: int) -> Iterator[ChildSpec]:
        """Yield an export of each analysis, in the order asked for."""
        for pk in parameters["analysis_ids"]:
            yield ChildSpec(
                key=f"analysis:{pk}",
                job_type=JobType.EXPORT,
                parameters={
                    "analyses": [pk],
                    "format": parameters["format"],
                    "options": parameters["options"],
                },
            )


def _form_errors(form: dict[str, Any], project: Project) -> list[FieldError]:
    """Return what a single export would say about format and options."""
    try:
        cleaned({"analyses": [], **form}, project=project)
    except InvalidParameters as error:
        return [each for each in error.errors if not each["field"].startswith("parameters.analyses")]
    return []


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
