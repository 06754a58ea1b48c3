"""Let beat ask each hour that old runs and blackouts are forgotten; an operator may edit it."""

from django.db import migrations

NAME = "Schedules: forget old runs"


def seed(apps, schema_editor):
    """Create the entry unless an operator has made one of its name."""
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    hourly = intervals.filter(every=1, period="hours").first() or intervals.create(every=1, period="hours")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "schedules.prune",
            "interval": hourly,
            "queue": "system",
            "expire_seconds": 1800,
            "description": "Deletes runs beyond CC_FIRING_RETENTION_DAYS, and blackouts that ended a year ago.",
        },
    )


def remove(apps, schema_editor):
    """Delete the entry."""
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("schedules", "0003_health"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [migrations.RunPython(seed, remove)]
