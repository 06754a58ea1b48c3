"""Let beat make deliveries that are due each minute; an operator may edit or disable it in the admin."""

from django.db import migrations

NAME = "Exports: deliver what is due"


def seed(apps, schema_editor):
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    interval = intervals.filter(every=1, period="minutes").first()
    interval = interval or intervals.create(every=1, period="minutes")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.update_or_create(
        name=NAME,
        defaults={
            "task": "exports.tasks.deliver_exports",
            "interval": interval,
            "queue": "default",  # it waits for other people's servers
            "expire_seconds": 50,
        },
    )


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("exports", "0004_deliveries"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, remove, elidable=False)]
