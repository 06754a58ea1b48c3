"""Let beat ask each minute for what is to be sent again; an operator may edit it.

Hints make it go at once; the entry goes on with what a worker that is gone has left.
"""

from django.db import migrations

NAME = "Webhooks: go on with what is sent again"


def seed(apps, schema_editor):
    """Create the entry unless an operator has made one of its name."""
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    minute = intervals.filter(every=60, period="seconds").first() or intervals.create(every=60, period="seconds")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "webhooks.resend",
            "interval": minute,
            "queue": "default",
            "expire_seconds": 600,
            "description": "Goes on with recoveries and retries of many deliveries that operators asked for.",
        },
    )


def remove(apps, schema_editor):
    """Delete the entry."""
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0006_resending"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [migrations.RunPython(seed, remove)]
