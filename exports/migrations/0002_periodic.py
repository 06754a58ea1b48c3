"""Let beat settle exports each minute and remove old ones each day; an operator may edit or disable it in the admin."""

from django.db import migrations

TASKS = {
    "Exports: settle what its job has ended": {
        "task": "exports.tasks.settle_exports",
        "every": (1, "minutes"),
        "queue": "system",
        "expire_seconds": 50,
    },
    "Exports: remove what is too old": {
        "task": "exports.tasks.prune_exports",
        "every": (1, "days"),
        "queue": "default",  # it may take minutes, and the reaper must not wait behind it
        "expire_seconds": 12 * 3600,
    },
}


def seed(apps, schema_editor):
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects
    for name, values in TASKS.items():
        every, period = values["every"]
        interval = intervals.filter(every=every, period=period).first()
        interval = interval or intervals.create(every=every, period=period)
        defaults = {key: value for key, value in values.items() if key != "every"}
        tasks.update_or_create(name=name, defaults={**defaults, "interval": interval})


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=TASKS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("exports", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, remove, elidable=False)]
