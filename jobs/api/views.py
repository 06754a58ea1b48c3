"""Jobs over HTTP: fetch, permit, call the flow, render."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import orjson
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from commandcenter.accounts.models import User
from commandcenter.core.fields import MAX_ID
from commandcenter.core.idempotency import idempotent
from commandcenter.core.pagination import KeysetPagination
from commandcenter.core.permissions import SignedInWithScope
from commandcenter.core.problems import Conflict
from commandcenter.core.viewsets import ApiMixin, DestroyMixin, ScopedMixin
from commandcenter.inventory.permissions import ProjectRolePermission
from jobs import history
from jobs.api import rows, statistics
from jobs.api import serializers as shapes
from jobs.api.answers import job_problems, operable_project, refuse
from jobs.api.filters import JobFilter, visible_projects, wanted
from jobs.batch.batches import children_of
from jobs.batch.children import has_active
from jobs.cancellation import cancel
from jobs.creation import create_job
from jobs.dispatch import dispatch
from jobs.fairness.waiting import waiting_reasons
from jobs.models import ACTIVE, Job, OriginKind
from jobs.retry import retry
from jobs.statistics.rollups import count_before_deletion

MAX_DELETED = 500  # children that go with their batch within one request


class JobViewSet(
    ApiMixin,
    ScopedMixin,
    DestroyMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Job],
):
    """Background jobs of the projects that one may see. Viewers read; operators create, cancel and retry."""

    queryset = Job.objects.select_related("run")
    serializer_class = shapes.JobSerializer
    filterset_class = JobFilter
    permission_classes = (SignedInWithScope, ProjectRolePermission)
    required_scope = {"batch": "read"}  # a POST that only reads

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return a page of jobs, newest first."""
        return self._page()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one job."""
        return Response(self._one(self.get_object()))

    @extend_schema(request=shapes.JobInput, responses={201: shapes.JobSerializer, 200: shapes.JobSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Create a job and, unless `dispatch` is false, queue it; 200 with the job that does this already."""
        body = self._body(shapes.JobInput)
        project = operable_project(request, body["project"])
        with job_problems():
            job = create_job(
                project=project,
                job_type=body["job_type"],
                parameters=body["parameters"],
                tags=body["tags"],
                created_by=self._user(),
                origin_kind=OriginKind.API,
                dispatch=body["dispatch"],
                delay_seconds=body["delay_seconds"],
            )
        return self._created(job)

    def perform_destroy(self, job: Job) -> None:
        """Delete a job that has ended, with its history."""
        if not job.is_terminal:
            raise Conflict("illegal_state", f"The job is {job.status}; cancel it before deleting it.")
        if has_active(job.pk):
            raise Conflict("children_active", "Jobs of this batch have not ended yet; cancel them first.")
        if job.parent is not None and not job.parent.is_terminal:
            raise Conflict("batch_active", f"The batch {job.parent_id} counts this job until it has ended.")
        if job.children.all()[MAX_DELETED:].exists():
            raise Conflict(
                "too_many_children",
                f"This batch has more than {MAX_DELETED} children. Delete those first, or leave it to the archive.",
            )
        count_before_deletion(job)
        job.delete()

    @extend_schema(request=shapes.DispatchInput, responses={202: shapes.JobSerializer})
    @action(detail=True, methods=["post"], url_path="dispatch", url_name="dispatch")
    @idempotent
    def dispatch_job(self, request: Request, pk: str) -> Response:
        """Queue a pending job, now or after `delay_seconds`."""
        job = self.get_object()
        body = self._body(shapes.DispatchInput)
        with job_problems():
            return self._accepted(dispatch(job, body["delay_seconds"]))

    @extend_schema(request=None, responses={202: shapes.JobSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a job: at once when it waits, within seconds when it runs."""
        job = self.get_object()
        with job_problems():
            return self._accepted(cancel(job, self._user()))

    @extend_schema(request=shapes.RetryInput, responses={201: shapes.JobSerializer})
    @action(detail=True, methods=["post"])
    @idempotent
    def retry(self, request: Request, pk: str) -> Response:
        """Run an ended job again, as a new job linked to it by `retry_of`; of a batch `only_failed` children."""
        job = self.get_object()
        body = self._body(shapes.RetryInput)
        with job_problems():
            again = retry(job, self._user(), parameters=body["parameters"], only_failed=body["only_failed"])
            return self._created(again)

    @extend_schema(
        parameters=[OpenApiParameter("after", int, description="Only events numbered above this.")],
        responses={200: {"type": "object"}},
    )
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def events(self, request: Request, pk: str) -> Response:
        """Return a job's events in order, up to 1,000 a page; `pruned_at` says when old log lines were removed."""
        after = sequence_number(request.query_params.get("after"))
        job = self.get_object()
        events = history.events_after(job, after, history.PAGE + 1)
        more = len(events) > history.PAGE
        messages = [history.message(event, job) for event in events[: history.PAGE]]
        following = f"{request.path}?after={messages[-1]['seq']}" if more else None
        return Response(
            {
                "results": messages,
                "next": request.build_absolute_uri(following) if following else None,
                "previous": None,
                "pruned_at": job.run.events_pruned_at,
            }
        )

    @extend_schema(responses=shapes.ProgressSerializer)
    @action(detail=True, methods=["get"])
    def progress(self, request: Request, pk: str) -> Response:
        """Return how far a job is."""
        job = self.get_object()
        return Response(
            {
                "job_id": job.pk,
                "status": job.status,
                "progress": job.run.progress,
                "current_step": job.run.current_step,
                "attempt": job.attempt,
                "seq": job.run.last_seq,
                "is_terminal": job.is_terminal,
            }
        )

    @extend_schema(responses=shapes.JobSerializer(many=True))
    @action(detail=False, methods=["get"])
    def active(self, request: Request) -> Response:
        """Return a page of the jobs that have not ended."""
        return self._page(among=ACTIVE)

    @extend_schema(parameters=statistics.PARAMETERS, responses=statistics.StatisticsSerializer)
    @action(detail=False, methods=["get"], filterset_class=None, pagination_class=None)
    def statistics(self, request: Request) -> Response:
        """Return totals by project, type and day; deleted and archived jobs stay counted."""
        return Response(statistics.answer(request))

    @extend_schema(request=shapes.BatchInput, responses={200: shapes.BatchSerializer})
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def batch(self, request: Request) -> Response:
        """Return up to 1,000 jobs by id in one query, in the order asked; those one may not see are left out."""
        wanted = list(dict.fromkeys(self._body(shapes.BatchInput)["job_ids"]))
        found = {job.pk: job for job in self.get_queryset().filter(pk__in=wanted)}
        jobs = [found[pk] for pk in wanted if pk in found]
        return Response({"results": self._shown(jobs, surroundings=False)})

    def _page(self, *, among: Collection[str] | None = None) -> Response:
        """Answer a list; `among` limits it to jobs in these states."""
        asked = wanted(self.request, among=among)
        asked = rows.of_projects(asked, visible_projects(self.request))
        assert isinstance(self.paginator, KeysetPagination)  # noqa: S101  (the setting says so)
        body: Any = rows.page(self.request, self.paginator, asked)
        # The browsable API looks into what it shows.
        return Response(body if self.request.accepted_renderer.format == "json" else orjson.loads(body))

    def _shown(self, jobs: Iterable[Job], *, surroundings: bool = True) -> Any:
        shown = list(jobs)
        context = {
            **self.get_serializer_context(),
            "waiting": waiting_reasons(shown, surroundings=surroundings),
            "children": children_of(shown),
        }
        return shapes.JobSerializer(shown, many=True, context=context).data

    def _one(self, job: Job) -> Any:
        return self._shown([job])[0]

    def _accepted(self, job: Job) -> Response:
        return Response(self._one(job), status=status.HTTP_202_ACCEPTED)

    def _created(self, job: Job) -> Response:
        location = self.request.build_absolute_uri(f"/api/v1/jobs/{job.pk}")
        made = status.HTTP_200_OK if job.joined else status.HTTP_201_CREATED
        return Response(self._one(job), status=made, headers={"Location": location})

    def _body(self, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        serializer = shape(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _user(self) -> User:
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101  (SignedInWithScope let nobody else through)
        return user


def sequence_number(raw: str | None) -> int:
    """Return the number of an event from a query string, 0 without one. Raises Problem (400)."""
    if not raw:
        return 0
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 19 and int(raw) <= MAX_ID):
        refuse("after", "invalid", "Give the number of an event, 0 or more.")
    return int(raw)
