"""The job type `batch_analysis`: an analysis of each of many repositories of a project, as jobs of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from commandcenter.analysis.running.parameters import ref_fault
from commandcenter.inventory.models import Project, Repository, RepositoryQuerySet
from jobs.batch.batches import BatchHandler, ChildSpec
from jobs.exceptions import FieldError, InvalidParameters
from jobs.models import JobType

SELECTORS = ("repository_ids", "tag", "all")
KNOWN = (*SELECTORS, "ref", "force")
PAGE = 500
MAX_TAG = 200
MAX_NAMED = 10  # unknown ids that an error message names


class BatchAnalysisHandler(BatchHandler):
    """Analyses the repositories that are named, that carry a tag, or all of them as they are when it runs."""

    def cleaned(self, parameters: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return {one selector, ref, force}; raise InvalidParameters."""
        errors: list[FieldError] = []

        def wrong(field: str, code: str, message: str) -> None:
            errors.append({"field": f"parameters.{field}", "code": code, "message": message})

        for name in sorted(str(name) for name in parameters.keys() - set(KNOWN)):
            wrong(name[:60], "unknown", f"A batch of analyses takes {', '.join(KNOWN)} and nothing else.")
        given = [name for name in SELECTORS if parameters.get(name) not in (None, False)]
        selected: dict[str, Any] = {}
        if len(given) == 1:
            fault = _fault(given[0], parameters[given[0]], project)
            if fault is None:
                selected = {given[0]: _plain(parameters[given[0]])}
            else:
                wrong(given[0], *fault)
        else:
            said = "Say which repositories" if not given else f"Give one of {' and '.join(given)}, not both"
            wrong(
                given[1] if given else "repository_ids",
                "required" if not given else "invalid",
                f"{said}: repository_ids, tag or all.",
            )
        ref = parameters.get("ref") or ""
        if message := ref_fault(ref):
            wrong("ref", "invalid", message)
        force = parameters.get("force", False)
        if not isinstance(force, bool):
            wrong("force", "invalid", "force is true or false.")
        if errors:
            raise InvalidParameters(errors)
        return {**selected, "ref": ref, "force": force}

    def children(self, parameters: dict[str, Any], project_id: int) -> Iterator[ChildSpec]:
        """Yield an analysis of each repository, in the order of their ids."""
        chosen = _chosen(parameters, project_id).order_by("pk").values_list("pk", flat=True)
        last = 0
        while page := list(chosen.filter(pk__gt=last)[:PAGE]):
            for pk in page:
                yield ChildSpec(
                    key=f"repository:{pk}",
                    job_type=JobType.ANALYSIS,
                    parameters={"repository": pk, "ref": parameters["ref"], "force": parameters["force"]},
                )
            last = page[-1]


def _fault(selector: str, value: Any, project: Project) -> tuple[str, str] | None:
    """Return (code, message) for what is wrong with the selector, None when it chooses something."""
    match selector, value:
        case "repository_ids", list() if value and all(map(_is_id, value)):
            pass
        case "repository_ids", _:
            return "invalid", "Give a list of ids of repositories."
        case "tag", str() if 0 < len(value.strip()) <= MAX_TAG and "\x00" not in value:
            pass
        case "tag", _:
            return "invalid", f"A tag has 1 to {MAX_TAG} characters."
        case _ if value is not True:
            return "invalid", "all is true, or left out."
    limit: int = settings.BATCH_MAX_CHILDREN
    if selector == "repository_ids" and len(set(value)) > limit:
        return "too_many", f"One batch has at most {limit:,} repositories."
    chosen = _chosen({selector: _plain(value)}, project.pk)
    if selector == "repository_ids":
        there = set(chosen.values_list("pk", flat=True))
        missing = [pk for pk in dict.fromkeys(value) if pk not in there]
        if missing:
            named = ", ".join(map(str, missing[:MAX_NAMED]))
            more = f" and {len(missing) - MAX_NAMED:,} more" if len(missing) > MAX_NAMED else ""
            return "unknown", f"The project has no repository with these ids: {named}{more}."
        return None
    count = chosen.count()
    if not count:
        words = {"tag": "No repository of the project has this tag.", "all": "The project has no repository."}
        return "nothing", words[selector]
    if count > limit:
        return "too_many", f"{count:,} repositories are more than the {limit:,} of one batch."
    return None


def _chosen(selected: dict[str, Any], project_id: int) -> RepositoryQuerySet:
    repositories = Repository.objects.filter(project=project_id)
    if "repository_ids" in selected:
        return repositories.filter(pk__in=selected["repository_ids"])
    if "tag" in selected:
        return repositories.filter(tags__contains=[selected["tag"]])
    return repositories


def _plain(value: Any) -> Any:
    """Return a selector as it is stored: ids once each, a tag without spaces around it."""
    match value:
        case list():
            return list(dict.fromkeys(value))
        case str():
            return value.strip()
        case _:
            return value


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
