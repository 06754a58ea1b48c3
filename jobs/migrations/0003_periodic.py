"""Let beat send `jobs.sweep` every 2 seconds. A sweep that nobody took for 10 seconds is of no use any more."""

from django.db import migrations

NAME = "jobs.sweep"


def seed(apps, schema_editor):
    """Create the entry unless an operator has made one of this name."""
    interval, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=2, period="seconds"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "jobs.sweep",
            "interval": interval,
            "queue": "system",
            "expire_seconds": 10,
            "description": "Returns lost jobs to their queue and repeats lost messages.",
        },
    )


def remove(apps, schema_editor):
    """Delete the entry."""
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_storage"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [migrations.RunPython(seed, remove)]
