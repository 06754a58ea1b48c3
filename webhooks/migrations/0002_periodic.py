"""Let beat send every 5 seconds what is due, and forget old messages each hour; an operator may edit both.

Hints make deliveries go at once; the entry finds those whose hint was lost and those whose time has come.
"""

from django.db import migrations

SEND, FORGET = "Webhooks: send what is due", "Webhooks: forget old messages"
TASKS = (
    # name, task, (every, period), queue, seconds until it expires, description
    (SEND, "webhooks.drain", (5, "seconds"), "webhooks", 7200, "Sends what is due to the endpoints of webhooks."),
    (
        FORGET, "webhooks.prune", (1, "hours"), "default", 1800,
        "Deletes messages beyond CC_WEBHOOK_RETENTION_DAYS, with their deliveries and attempts.",
    ),
)  # fmt: skip


def seed(apps, schema_editor):
    """Create the entries unless an operator has made one of their names."""
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    for name, task, (every, period), queue, expires, description in TASKS:
        interval = intervals.filter(every=every, period=period).first()
        interval = interval or intervals.create(every=every, period=period)
        apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
            name=name,
            defaults={
                "task": task,
                "interval": interval,
                "queue": queue,
                "expire_seconds": expires,
                "description": description,
            },
        )


def remove(apps, schema_editor):
    """Delete the entries."""
    names = [name for name, *_ in TASKS]
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [migrations.RunPython(seed, remove)]
