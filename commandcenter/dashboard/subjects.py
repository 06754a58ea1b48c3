"""What jobs work on, by name: a number alone says nothing to a person who looks at a list."""

from __future__ import annotations

from collections.abc import Iterable

from commandcenter.inventory.models import Repository
from jobs.models import Job


def names_of(jobs: Iterable[Job]) -> dict[int, str]:
    """Return the names of the repositories that these jobs name in their parameters, in one query.

    A repository counts only for jobs of its own project: parameters are what somebody sent.
    """
    wanted = {
        (job.project_id, key) for job in jobs if isinstance(key := job.parameters.get("repository"), int)
    }
    rows = Repository.objects.filter(pk__in={key for _project, key in wanted}).values_list(
        "pk", "project_id", "name"
    )
    return {pk: name for pk, project, name in rows if (project, pk) in wanted}
