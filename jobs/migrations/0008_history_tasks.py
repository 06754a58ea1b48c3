"""Count the jobs that have ended so far, and let beat send the tasks that count, prune and archive.

Each is short and comes often. The first two share the queue `system`, whose worker runs one task at a time, with the
sweep; the archive does not, for a storage that hangs must not keep the sweep waiting.
"""

from django.db import migrations

TASKS = {
    # name: (every, period, queue, expires after seconds, description)
    "jobs.count": (1, "minutes", "system", 50, "Adds the jobs that ended to the statistics."),
    "jobs.prune_logs": (5, "minutes", "system", 240, "Removes the logs of old jobs."),
    "jobs.archive": (
        10,
        "minutes",
        "default",
        500,
        "Writes old jobs to the artifact storage, then deletes them.",
    ),
}


def seed(apps, schema_editor):
    """Create the entries unless an operator has made one of the name."""
    for name, (every, period, queue, expires, description) in TASKS.items():
        interval, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
            every=every, period=period
        )
        apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
            name=name,
            defaults={
                "task": name,
                "interval": interval,
                "queue": queue,
                "expire_seconds": expires,
                "description": description,
            },
        )


def remove(apps, schema_editor):
    """Delete the entries."""
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name__in=TASKS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0007_history"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
        migrations.RunSQL(
            """UPDATE jobs_jobrun r SET uncounted = true FROM jobs_job j
               WHERE j.id = r.job_id AND j.completed_at IS NOT NULL""",
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(seed, remove),
    ]
