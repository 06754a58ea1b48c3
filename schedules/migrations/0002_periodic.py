"""Let beat tick every 5 seconds and look each minute for runs that ended unheard; an operator may edit both.

They expire, but late: an expiry compares the clock of beat with that of a worker, and a worker that is an hour ahead
must not drop them all unread. Those that piled up while nobody ticked are one (see schedules.tasks).
"""

from django.db import migrations

EXPIRE_SECONDS = 2 * 3600
TASKS = (
    ("Schedules: start what is due", "schedules.tick", 5, "Starts the jobs of schedules that are due."),
    ("Schedules: settle runs", "schedules.settle", 60, "Writes down how the jobs of schedules ended."),
)


def seed(apps, schema_editor):
    """Create the entries unless an operator has made one of their names."""
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    for name, task, seconds, description in TASKS:
        every, period = (seconds // 60, "minutes") if seconds % 60 == 0 else (seconds, "seconds")
        interval = intervals.filter(every=every, period=period).first()
        interval = interval or intervals.create(every=every, period=period)
        apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
            name=name,
            defaults={
                "task": task,
                "interval": interval,
                "queue": "system",
                "expire_seconds": EXPIRE_SECONDS,
                "description": description,
            },
        )


def remove(apps, schema_editor):
    """Delete the entries."""
    names = [name for name, *_ in TASKS]
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=names).delete()


class Migration(migrations.Migration):
    dependencies = [("schedules", "0001_initial"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [migrations.RunPython(seed, remove)]
