from django.db import migrations

TASK = "commandcenter.analysis.tasks.settle_analyses"


def seed(apps, schema_editor):
    """Let beat end analyses whose job has ended each minute; an operator may edit or disable it in the admin."""
    interval_model = apps.get_model("django_celery_beat", "IntervalSchedule")
    interval, _ = interval_model.objects.get_or_create(every=60, period="seconds")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name="analysis.settle",
        defaults={
            "task": TASK,
            "queue": "system",
            "interval": interval,
            "expire_seconds": 55,
            "description": "Ends analyses whose job failed or was cancelled without them.",
        },
    )


def unseed(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(task=TASK).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("analysis", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(seed, unseed)]
