import json

from django.conf import settings
from django.db import migrations, models


def seed(apps, schema_editor):
    """Let beat send a canary to each queue every minute; an operator may edit or disable it in the admin."""
    interval_model = apps.get_model("django_celery_beat", "IntervalSchedule")
    task_model = apps.get_model("django_celery_beat", "PeriodicTask")
    interval, _ = interval_model.objects.get_or_create(every=60, period="seconds")
    for queue in settings.QUEUES:
        task_model.objects.get_or_create(
            name=f"ops.canary.{queue}",
            defaults={
                "task": "ops.canary",
                "kwargs": json.dumps({"queue": queue}),
                "queue": queue,
                "interval": interval,
                "expire_seconds": 55,
                "description": "Proves that a worker consumes from this queue.",
            },
        )


def unseed(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(task="ops.canary").delete()


class Migration(migrations.Migration):
    initial = True

    dependencies = [("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [
        migrations.CreateModel(
            name="QueueCanary",
            fields=[
                ("queue", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("consumed_at", models.DateTimeField()),
                ("worker", models.CharField(max_length=120)),
            ],
            options={"verbose_name_plural": "queue canaries"},
        ),
        migrations.RunPython(seed, unseed),
    ]
