"""Seed the periodic tasks of events and of the tables in core."""

from django.db import migrations

TASKS = [
    # name, task, every, period, expires after (seconds)
    ("Events: relay the outbox", "commandcenter.events.tasks.relay", 5, "seconds", 30),
    ("Events: forget old events", "commandcenter.events.tasks.prune_events", 1, "days", 3600),
    ("Core: forget idempotency keys", "commandcenter.core.tasks.prune_idempotency_keys", 1, "hours", 1800),
]


def seed(apps, schema_editor):
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    for name, task, every, period, expires in TASKS:
        interval = IntervalSchedule.objects.filter(every=every, period=period).first()
        if interval is None:
            interval = IntervalSchedule.objects.create(every=every, period=period)
        PeriodicTask.objects.update_or_create(
            name=name,
            defaults={"task": task, "interval": interval, "queue": "system", "expire_seconds": expires},
        )


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=[t[0] for t in TASKS]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, remove, elidable=False)]
