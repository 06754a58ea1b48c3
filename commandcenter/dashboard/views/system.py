"""The system page: who works on what, what waits in which queue, and whether every part is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from commandcenter.accounts.models import User
from commandcenter.dashboard import access
from commandcenter.ops.health import detailed
from commandcenter.ops.models import QueueCanary
from jobs.exceptions import IllegalState, UnknownQueue, UnknownWorker
from jobs.fairness import queues
from jobs.fleet import workers

OF_QUEUE = (
    "worker of "  # how /health/detailed begins the name of a queue's check; the page shows it with the queue
)


@login_required
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Show workers, queues, and the checks of /health/detailed. The changing part alone for a refresh."""
    viewer = access.viewer(request)
    health = detailed()
    usable = bool(health["queues"])  # without a database there is nothing more to ask
    crew = workers.overview(viewer) if usable else []
    rows = _queues(health)
    context = {
        "health": health,
        "attention": _attention(crew, rows),
        "services": [check for check in health["services"] if not check["name"].startswith(OF_QUEUE)],
        "workers": crew,
        "queues": rows,
        "may_operate": viewer.is_staff,
    }
    return render(
        request, "system/_live.html" if request.headers.get("HX-Request") else "system/index.html", context
    )


def _queues(health: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each queue with its last canary and what is wrong with it, and whether anybody would take its jobs."""
    states: list[queues.QueueState] = health["queues"]
    if not states:
        return []
    checks = {check["name"]: check for check in health["services"]}
    canaries = {canary.queue: canary for canary in QueueCanary.objects.all()}
    served = workers.queues_with_workers()
    return [
        {
            **state,
            "served": state["name"] in served,
            "canary": canaries.get(state["name"]),
            "check": checks.get(f"{OF_QUEUE}{state['name']}"),
            "pausable": state["name"] != queues.SYSTEM,
        }
        for state in states
    ]


def _attention(crew: Sequence[workers.Report], rows: list[dict[str, Any]]) -> list[str]:
    """Return a sentence for each thing that keeps jobs from running, or did."""
    found = {
        "No worker takes jobs of these queues:": [row["name"] for row in rows if not row["served"]],
        "Paused queues:": [row["name"] for row in rows if row["paused"]],
        "Lost workers, whose jobs run elsewhere:": [
            report.worker.name for report in crew if report.state == "lost"
        ],
    }
    return [f"{words} {', '.join(names)}." for words, names in found.items() if names]


@login_required
@require_POST
def drain(request: HttpRequest, name: str) -> HttpResponse:
    """Let a worker end what it runs and take nothing new."""
    return _act(request, lambda by: workers.drain(name, by.get_username()))


@login_required
@require_POST
def resume(request: HttpRequest, name: str) -> HttpResponse:
    """Let a drained worker take work again."""
    return _act(request, lambda by: workers.resume(name, by.get_username()))


@login_required
@require_POST
def pause_queue(request: HttpRequest, name: str) -> HttpResponse:
    """Let no job of a queue start."""
    return _act(request, lambda by: queues.pause(name, by, request.POST.get("reason", "")))


@login_required
@require_POST
def resume_queue(request: HttpRequest, name: str) -> HttpResponse:
    """Let the jobs of a queue start again."""
    return _act(request, lambda by: queues.resume(name, by))


def _act(request: HttpRequest, action: Callable[[User], object]) -> HttpResponse:
    """Do what an operator asks for, if he is one, and show the page again."""
    viewer = access.viewer(request)
    if not viewer.is_staff:
        raise PermissionDenied
    try:
        action(viewer)
    except (UnknownWorker, UnknownQueue) as error:
        raise Http404(str(error)) from None
    except IllegalState as error:
        messages.error(request, str(error))
    return redirect("dashboard:system")
