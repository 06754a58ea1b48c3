"""What is removed when its time is up, and what is left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.analysis.tests.factories import make_repository
from exports import artifacts, retention
from exports.models import Export
from exports.tasks import prune_exports
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, export_of, make_job, run_export

pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]

Stored = Callable[[], list[Path]]


def put(key: str) -> str:
    return artifacts.storage().save(key, ContentFile(b"left"))


def days_ago(days: int) -> Any:
    return timezone.now() - timedelta(days=days)


def test_exports_whose_time_is_up_go_with_their_files(stored: Stored, monkeypatch: Any) -> None:
    """In bounded batches, however many there are; failed ones go as well."""
    analysis = analysis_of(make_repository())
    kept = run_export(analysis)
    over = [run_export(analysis).pk for _ in range(3)]
    Export.objects.filter(pk__in=over).update(expires_at=Now())
    monkeypatch.setattr(retention, "BATCH", 2)
    prune_exports()
    assert [each.pk for each in Export.objects.all()] == [kept.pk]
    (file,) = stored()
    assert file.as_posix().endswith(kept.artifact)


def test_one_run_deletes_no_more_than_its_bound(stored: Stored, monkeypatch: Any) -> None:
    analysis = analysis_of(make_repository())
    for _ in range(3):
        run_export(analysis)
    Export.objects.update(expires_at=Now())
    monkeypatch.setattr(retention, "BATCH", 1)
    monkeypatch.setattr(retention, "MAX_BATCHES", 2)
    assert (retention.expire(), retention.expire()) == (2, 1)
    assert stored() == []


def test_an_export_that_waits_does_not_expire(settings: Any) -> None:
    settings.EXPORT_DAYS = 1
    make_job(analysis_of(make_repository()))
    Export.objects.update(created_at=days_ago(400))
    assert retention.expire() == 0


def test_the_number_of_days_is_a_setting(settings: Any) -> None:
    settings.EXPORT_DAYS = 3
    export = run_export(analysis_of(make_repository()))
    assert export.expires_at is not None
    assert export.completed_at is not None
    assert export.expires_at - export.completed_at == timedelta(days=3)


def test_files_without_an_export_go_after_a_day(stored: Stored) -> None:
    """Files of today stay, and so do files that are not ours and the one that an export names."""
    export = run_export(analysis_of(make_repository()))
    old = f"exports/{days_ago(3):%Y-%m-%d}"
    Export.objects.filter(pk=export.pk).update(
        created_at=days_ago(3), artifact=f"{old}/{export.pk}-1-{'a' * 16}.json"
    )
    named = put(f"{old}/{export.pk}-1-{'a' * 16}.json")
    lost = put(f"{old}/{export.pk}-2-{'b' * 16}.json")
    orphan = put(f"{old}/{export.pk + 9}-1-{'c' * 16}.zip")
    foreign = [put(f"{old}/notes.txt"), put("exports/keep/1-1-0123456789abcdef.json"), put("other/a.json")]
    young = put(f"exports/{timezone.now():%Y-%m-%d}/{export.pk + 9}-1-{'d' * 16}.json")
    assert retention.sweep() == 2
    names = {path.name for path in stored()}
    assert not names & {Path(lost).name, Path(orphan).name}
    assert {Path(each).name for each in (named, young, *foreign)} <= names


def test_the_file_of_an_attempt_that_may_still_complete_is_left_alone(stored: Stored) -> None:
    export = export_of(make_job(analysis_of(make_repository())))
    export.created_at = days_ago(5)
    export.save(update_fields=["created_at"])
    put(artifacts.new_key(export, 1, "json"))
    assert retention.sweep() == 0
    assert len(stored()) == 1


def test_empty_folders_go_and_the_sweep_is_bounded(media: Path, stored: Stored, monkeypatch: Any) -> None:
    for number in range(1, 6):
        put(f"exports/2020-01-0{number % 2 + 1}/{number}-1-{'e' * 16}.json")
    monkeypatch.setattr(retention, "MAX_NAMES", 3)
    first, second = retention.sweep(), retention.sweep()
    assert (first, second) == (3, 2)
    assert stored() == []
    retention.sweep()
    assert list((media / "exports").iterdir()) == []


def test_nothing_stored_is_nothing_to_sweep() -> None:
    assert retention.sweep() == 0


@pytest.mark.django_db
def test_beat_settles_each_minute_and_prunes_each_day() -> None:
    """Running the migration again keeps one entry each."""
    seed = import_module("exports.migrations.0002_periodic").seed
    seed(apps, None)
    seed(apps, None)
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(
        task__in=["exports.tasks.settle_exports", "exports.tasks.prune_exports"]
    )
    found = {task.task: (task.interval.every, task.interval.period, task.queue) for task in tasks}
    assert len(tasks) == 2
    assert found == {
        "exports.tasks.settle_exports": (1, "minutes", "system"),
        "exports.tasks.prune_exports": (1, "days", "default"),
    }
