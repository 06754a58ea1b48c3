"""What every endpoint that asks for a job does alike: find the project, turn errors into problems, answer 202."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from commandcenter.core.permissions import token_projects
from commandcenter.core.problems import Conflict, Problem
from commandcenter.inventory.models import Project, Role
from commandcenter.inventory.permissions import require_role
from jobs.api.serializers import JobSerializer
from jobs.batch.batches import children_of
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.fairness.waiting import waiting_reasons
from jobs.models import Job


class KnownFieldsSerializer(serializers.Serializer[Any]):
    """A body in which a name that is not known is an error, so that a misspelt one is not silently left out."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what is not known."""
        given = self.initial_data if isinstance(self.initial_data, dict) else {}
        if unknown := sorted(set(given) - set(self.fields)):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                dict.fromkeys(unknown[:20], f"Known are {known}."), code="unknown"
            )
        return attrs


def operable_project(request: Request, project_id: int) -> Project:
    """Return the project of a new job: 400 when there is none that one may see, 403 below operator."""
    visible = Project.objects.visible_to(request.user, token_projects=token_projects(request))
    project = visible.filter(pk=project_id).first()
    if project is None:
        refuse("project", "does_not_exist", "There is no such project.")
    require_role(request, project, Role.OPERATOR)
    return project


@contextmanager
def job_problems() -> Iterator[None]:
    """Turn what jobs raise into the API's problems."""
    try:
        yield
    except InvalidParameters as error:
        raise _problem(error.errors) from None
    except IllegalState as error:
        raise Conflict(error.code, str(error)) from None


@contextmanager
def parameter_problems() -> Iterator[None]:
    """Turn parameters that cannot be used into a 400 that names the fields of the body."""
    try:
        yield
    except InvalidParameters as error:
        raise _problem(
            [{**each, "field": each["field"].removeprefix("parameters.")} for each in error.errors]
        ) from None


def refuse(field: str, code: str, message: str) -> NoReturn:
    """Answer 400 because of one field."""
    raise _problem([{"field": field, "code": code, "message": message}])


def accepted(request: Request, job: Job) -> Response:
    """Answer 202 with the job and where it is."""
    context = {"request": request, "waiting": waiting_reasons([job]), "children": children_of([job])}
    location = reverse("job-detail", args=[job.pk], request=request)
    shown = JobSerializer(job, context=context).data
    return Response(shown, status=status.HTTP_202_ACCEPTED, headers={"Location": location})


def _problem(errors: Sequence[Mapping[str, Any]]) -> Problem:
    found = [dict(error) for error in errors]
    return Problem("The request has values that cannot be used; see errors.", code="invalid", errors=found)
