"""Let beat remove mirrors that nobody uses, each hour; an operator may edit or disable it in the admin."""

from django.db import migrations

NAME = "Analysis: prune mirrors"


def seed(apps, schema_editor):
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    interval = intervals.filter(every=1, period="hours").first() or intervals.create(every=1, period="hours")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.update_or_create(
        name=NAME,
        defaults={
            "task": "commandcenter.analysis.tasks.prune_mirrors",
            "interval": interval,
            "queue": "default",  # it may take minutes, and the reaper must not wait behind it
            "expire_seconds": 3000,
        },
    )


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("analysis", "0002_settle_periodically")]

    operations = [migrations.RunPython(seed, remove, elidable=False)]
