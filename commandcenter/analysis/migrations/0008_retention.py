"""Keep the newest analyses of each branch line: an index in that order, and a task of beat's, each hour.

The indexes of three foreign keys go: others that begin with the same column serve them.
"""

import django.db.models.deletion
from django.db import migrations, models

NAME = "Analysis: forget old ones"


def seed(apps, schema_editor):
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    interval = intervals.filter(every=1, period="hours").first() or intervals.create(every=1, period="hours")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.update_or_create(
        name=NAME,
        defaults={
            "task": "commandcenter.analysis.tasks.prune_analyses",
            "interval": interval,
            "queue": "default",
            "expire_seconds": 3000,
        },
    )


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("analysis", "0007_people")]

    operations = [
        migrations.AddIndex(
            model_name="analysis",
            index=models.Index(fields=["branch_line", "-id"], name="analysis_line_recent"),
        ),
        migrations.AlterField(
            model_name="analysis",
            name="branch_line",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="analyses",
                to="analysis.branchline",
            ),
        ),
        migrations.AlterField(
            model_name="analysis",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="analyses",
                to="inventory.project",
            ),
        ),
        migrations.AlterField(
            model_name="analysis",
            name="repository",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="analyses",
                to="inventory.repository",
            ),
        ),
        migrations.RunPython(seed, remove, elidable=False),
    ]
