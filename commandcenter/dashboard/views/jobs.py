"""Jobs: the list, one job with its live progress and log, and what can be done about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from commandcenter.dashboard import access, filters
from commandcenter.dashboard.batches import batch_of
from commandcenter.dashboard.job_history import job_history
from commandcenter.dashboard.job_pages import page_of_jobs, wanted_jobs
from commandcenter.dashboard.subjects import names_of
from commandcenter.inventory.models import Repository, Role
from jobs.cancellation import cancel as cancel_job
from jobs.exceptions import InvalidParameters, JobError
from jobs.fairness.waiting import waiting_reason, waiting_reasons
from jobs.lists import listing
from jobs.models import Job, JobEvent, JobEventType, JobStatus, OriginKind
from jobs.retry import retry as retry_job
from schedules.models import Schedule
from webhooks.models import InboundSource

LOG_LINES = 500
COUNT_CAP = 10_001


def _visible(request: HttpRequest) -> Any:
    return Job.objects.visible_to(access.viewer(request)).select_related(
        "run", "project", "created_by", "parent", "retry_of"
    )


def _job(request: HttpRequest, pk: int) -> Job:
    job: Job = get_object_or_404(_visible(request), pk=pk)
    return job


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List jobs, newest first; `?status= &project= &parent=` filter. The rows alone for a refresh."""
    project, parent = filters.key(request, "project"), filters.key(request, "parent")
    wanted = wanted_jobs(request, project=project, parent=parent)
    counts = listing.counts(wanted, COUNT_CAP)
    status = filters.choice(request, "status", JobStatus.values)
    if status:
        wanted = replace(wanted, statuses=[status])
    page = page_of_jobs(request, wanted, _visible(request))
    context = {
        "page": page,
        "subjects": names_of(page.rows),
        "waiting": waiting_reasons(page.rows),
        "status": status,
        "parent": parent,
        "kept": _kept(project=project, parent=parent),
        "counts": [(value, label, counts.get(value, 0)) for value, label in JobStatus.choices],
        "total": sum(counts.values()),
    }
    if request.headers.get("HX-Request"):
        return render(request, "jobs/_rows.html", context)
    if parent is None:
        projects = access.projects(request)
        context["history"] = job_history(projects if project is None else projects.filter(pk=project))
    return render(request, "jobs/index.html", context)


@login_required
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one job."""
    job = _job(request, pk)
    return render(request, "jobs/detail.html", _context(request, job) | {"lines": _lines(job, after=0)})


@login_required
@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what changes while the job runs; the page fetches it again when the socket hints."""
    return render(request, "jobs/_live.html", _context(request, _job(request, pk)))


@login_required
@require_GET
def log(request: HttpRequest, pk: int) -> HttpResponse:
    """Render the log lines after `?after=SEQ`."""
    seq = filters.key(request, "after") or 0
    return render(request, "jobs/_log.html", {"lines": _lines(_job(request, pk), after=seq)})


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel a job."""
    job = _writable(request, pk)
    try:
        cancel_job(job, by=access.viewer(request))
    except JobError as error:
        messages.error(request, str(error))
    return redirect("dashboard:job", pk)


@login_required
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Run the same work again as a new job, with edited parameters where the form has them, and go there."""
    job = _writable(request, pk)
    try:
        again = retry_job(
            job,
            by=access.viewer(request),
            parameters=_edited(request.POST.get("parameters")),
            only_failed=request.POST.get("only_failed") == "on",
            origin_kind=OriginKind.PAGE,
        )
    except JobError as error:
        messages.error(request, str(error))
        return redirect("dashboard:job", pk)
    return redirect("dashboard:job", again.pk)


def _edited(text: str | None) -> dict[str, Any] | None:
    """Return the parameters that somebody wrote, None without any. Raises InvalidParameters."""
    if text is None:
        return None
    try:
        parameters = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidParameters.single("parameters", "invalid", f"This is not JSON: {error}.") from None
    if not isinstance(parameters, dict):
        raise InvalidParameters.single("parameters", "invalid", 'Give an object, such as {"force": true}.')
    return parameters


def _kept(**given: int | None) -> str:
    """Return the query string of these filters, for links that change another one."""
    return "".join(f"&{name}={value}" for name, value in given.items() if value is not None)


def _writable(request: HttpRequest, pk: int) -> Job:
    job = _job(request, pk)
    if not access.may(request, job.project, Role.OPERATOR):
        raise PermissionDenied
    return job


def _context(request: HttpRequest, job: Job) -> dict[str, Any]:
    states = JobEvent.objects.filter(job=job, type=JobEventType.STATE).order_by("seq")[:100]
    return {
        "job": job,
        "states": states,
        "waiting": None if job.is_terminal else waiting_reason(job),
        "analysis": getattr(job, "analysis", None),
        "repository": _repository(job),
        "batch": batch_of(job),
        "schedule": _schedule(job),
        "source": _source(job),
        "may_write": access.may(request, job.project, Role.OPERATOR),
        "parameters": orjson.dumps(job.parameters, option=orjson.OPT_INDENT_2).decode(),
    }


def _repository(job: Job) -> Repository | None:
    """Return the repository that the job works on."""
    key = job.parameters.get("repository")
    return Repository.objects.filter(pk=key, project=job.project).first() if isinstance(key, int) else None


def _schedule(job: Job) -> Schedule | None:
    """Return the schedule that started the job; it may be gone."""
    if job.origin_kind != OriginKind.SCHEDULE or job.origin_id is None:
        return None
    return Schedule.objects.filter(pk=job.origin_id, project=job.project_id).first()


def _source(job: Job) -> InboundSource | None:
    """Return the code host whose push started the job; it may be gone."""
    if job.origin_kind != OriginKind.WEBHOOK or job.origin_id is None:
        return None
    sources = InboundSource.objects.without_secrets()
    return sources.filter(pk=job.origin_id, repository__project=job.project_id).first()


def _lines(job: Job, *, after: int) -> list[JobEvent]:
    """Return the newest lines of the log after a sequence number, oldest first; progress is not a line."""
    lines = job.events.filter(seq__gt=after).exclude(type=JobEventType.PROGRESS).order_by("-seq")[:LOG_LINES]
    return list(lines)[::-1]
