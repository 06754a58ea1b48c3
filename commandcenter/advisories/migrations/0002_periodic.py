"""Let beat match packages each minute and look for forgotten ones each hour; an operator may edit it in the admin."""

from django.db import migrations

TASKS = {
    "Advisories: match packages": {
        "task": "commandcenter.advisories.tasks.match",
        "every": (1, "minutes"),
        "queue": "default",  # it may take half a minute, and the reaper must not wait behind it
        "expire_seconds": 50,
    },
    "Advisories: ask the online database": {
        "task": "commandcenter.advisories.tasks.ask_online",
        "every": (10, "minutes"),
        "queue": "default",
        "expire_seconds": 550,
    },
    "Advisories: ask the registries": {
        "task": "commandcenter.advisories.tasks.ask_registries",
        "every": (10, "minutes"),
        "queue": "default",
        "expire_seconds": 550,
    },
    "Analysis: register packages in use": {
        "task": "commandcenter.analysis.tasks.register_packages",
        "every": (1, "hours"),
        "queue": "default",
        "expire_seconds": 3000,
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
        ("advisories", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, remove, elidable=False)]
