"""Pauses schedules whose repository or owner is deleted, in the transaction of the deletion.

The one place that listens to Django's signals: repositories and users are deleted by flows, by the admin and by
querysets, in apps below that know nothing of schedules.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.signals import pre_delete

from commandcenter.accounts.models import User
from commandcenter.inventory.models import Project, Repository
from schedules.keeping import disable_all
from schedules.models import Schedule


def connect() -> None:
    """Hear of deletions from now on; called again it changes nothing."""
    pre_delete.connect(_repository_goes, sender=Repository, dispatch_uid="schedules.repository")
    pre_delete.connect(_user_goes, sender=User, dispatch_uid="schedules.user")


def end_of_project(project_id: int) -> None:
    """Remove the schedules of a project that is being deleted, with their history. In PROJECT_ENDINGS.

    Before Django collects what goes with the project: a tick that works on them is waited for, and none makes a run or
    a job afterwards, which would keep the project from being deleted.
    """
    schedules = Schedule.objects.filter(project=project_id)
    list(schedules.select_for_update(no_key=True, of=("self",)).order_by("pk").values_list("pk"))
    schedules.delete()


def _repository_goes(instance: Repository, origin: Model | QuerySet[Any] | None = None, **_: Any) -> None:
    if _deleted(origin) is Project:  # its schedules go too, and there is nobody to tell
        return
    reason = f"Its repository {instance.name} was deleted; choose another one, then enable it."
    disable_all(Schedule.objects.filter(repository=instance), reason=reason)


def _user_goes(instance: User, **_: Any) -> None:
    reason = f"Its owner {instance.get_username()} was deleted; enable it to take it over."
    disable_all(Schedule.objects.filter(created_by=instance), reason=reason)


def _deleted(origin: Model | QuerySet[Any] | None) -> type[Model] | None:
    """Return of which model somebody deleted a row, with which this one goes."""
    return origin.model if isinstance(origin, QuerySet) else type(origin) if origin is not None else None
