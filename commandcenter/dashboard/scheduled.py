"""Schedules as the console shows them: which of them, what they do, how they are, and their last runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils.http import urlencode

from commandcenter.dashboard import access, filters
from commandcenter.dashboard.schedule_words import work_of
from commandcenter.inventory.models import ProjectQuerySet
from jobs.models import JobType
from schedules.clock import database_time
from schedules.health import Health, HealthStatus, health_of, in_health
from schedules.models import Firing, Schedule
from schedules.recent import recent_firings
from schedules.timing.words import described

AT_A_GLANCE = 5  # schedules that the overview names
STRIP = 15  # runs that a list shows of each schedule


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of the list; what makes no sense counts as absent."""

    project: int | None
    repository: int | None
    health: str
    job_type: str
    tag: str
    query: str

    @classmethod
    def of(cls, request: HttpRequest) -> Wanted:
        """Read them from the address."""
        return cls(
            project=filters.key(request, "project"),
            repository=filters.key(request, "repository"),
            health=filters.choice(request, "health", [str(each) for each in HealthStatus]),
            job_type=filters.choice(request, "type", JobType.values),
            tag=filters.words(request, "tag"),
            query=filters.words(request, "q"),
        )

    @property
    def filtered(self) -> bool:
        """True when one of them is given."""
        return self != Wanted(None, None, "", "", "", "")

    @property
    def kept(self) -> str:
        """Return the query string of all but the health, for the links that choose another one."""
        given = {
            "project": self.project,
            "repository": self.repository,
            "type": self.job_type,
            "tag": self.tag,
            "q": self.query,
        }
        return urlencode({name: value for name, value in given.items() if value})

    def narrow(self, queryset: Any) -> Any:
        """Return the schedules that are like this."""
        if self.project is not None:
            queryset = queryset.filter(project=self.project)
        if self.repository is not None:
            queryset = queryset.filter(repository=self.repository)
        if self.job_type:
            queryset = queryset.filter(job_type=self.job_type)
        if self.tag:
            queryset = queryset.filter(tags__contains=[self.tag])
        if self.query:
            queryset = queryset.filter(Q(name__icontains=self.query) | Q(description__icontains=self.query))
        if self.health:
            queryset = in_health(queryset, HealthStatus(self.health), database_time())
        return queryset


@dataclass(frozen=True, slots=True)
class Shown:
    """One schedule with all that a page says of it; `firings` are its last runs, oldest first."""

    schedule: Schedule
    health: Health
    firings: list[Firing]
    may_write: bool = False

    @property
    def work(self) -> str:
        """What it does, in words."""
        return work_of(self.schedule)

    @property
    def when(self) -> str:
        """When it fires, in words."""
        return described(self.schedule.timing)

    @property
    def last(self) -> Firing | None:
        """Its newest run."""
        return self.firings[-1] if self.firings else None


def visible(request: HttpRequest) -> Any:
    """Return the schedules of the projects that the viewer may see."""
    return _with_names(Schedule.objects.visible_to(access.viewer(request)))


def _with_names(schedules: Any) -> Any:
    """Read along what they are for; the secret of a repository stays where it lies."""
    return schedules.select_related("project", "repository").defer("repository__credential_secret")


def shown(
    schedules: Iterable[Schedule], writable: Collection[int] = (), *, strip: int = STRIP
) -> list[Shown]:
    """Return these schedules as pages show them, in their order; `writable` are the projects to be changed."""
    schedules = list(schedules)
    health = health_of(schedules, database_time())
    firings = recent_firings([each.pk for each in schedules], strip) if strip else {}
    return [
        Shown(each, health[each.pk], firings.get(each.pk, []), each.project_id in writable)
        for each in schedules
    ]


def soon(projects: ProjectQuerySet) -> list[Shown]:
    """Return the schedules of these projects whose next run comes first."""
    enabled = Schedule.objects.filter(project__in=projects, enabled=True, next_run_at__isnull=False)
    return shown(_with_names(enabled).order_by("next_run_at", "pk")[:AT_A_GLANCE], strip=0)


def failing(projects: ProjectQuerySet) -> list[Shown]:
    """Return the newest of these projects' schedules that fail."""
    found = in_health(Schedule.objects.filter(project__in=projects), HealthStatus.FAILING, database_time())
    return shown(_with_names(found).order_by("-pk")[:AT_A_GLANCE], strip=0)
