import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

NAME = "Analysis: keep the portfolio's standings"


def seed(apps, schema_editor):
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    interval = intervals.filter(every=1, period="hours").first() or intervals.create(every=1, period="hours")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.update_or_create(
        name=NAME,
        defaults={
            "task": "commandcenter.analysis.tasks.keep_portfolio",
            "interval": interval,
            "queue": "default",
            "expire_seconds": 3000,
        },
    )


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("analysis", "0008_retention"), ("inventory", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Standing",
            fields=[
                (
                    "repository",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="standing",
                        serialize=False,
                        to="inventory.repository",
                    ),
                ),
                ("analysed_at", models.DateTimeField(null=True)),
                ("last_status", models.CharField(blank=True, max_length=10)),
                ("committed_at", models.DateTimeField(null=True)),
                ("critical", models.PositiveIntegerField(null=True)),
                ("high", models.PositiveIntegerField(null=True)),
                ("medium", models.PositiveIntegerField(null=True)),
                ("low", models.PositiveIntegerField(null=True)),
                ("info", models.PositiveIntegerField(null=True)),
                ("suppressed", models.PositiveIntegerField(null=True)),
                ("lines_of_code", models.BigIntegerField(null=True)),
                ("dependencies", models.PositiveIntegerField(null=True)),
                ("vulnerable", models.PositiveIntegerField(null=True)),
                ("policy", models.CharField(blank=True, max_length=7)),
                ("contributors", models.PositiveIntegerField(null=True)),
                ("bus_factor", models.PositiveIntegerField(null=True)),
                ("attention", models.PositiveIntegerField(default=0)),
                ("reasons", models.JSONField(default=list)),
                ("refreshed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "analysis",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="analysis.analysis",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["-attention", "-repository"], name="standing_attention"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PortfolioDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("repositories", models.PositiveIntegerField()),
                ("analysed", models.PositiveIntegerField()),
                ("critical", models.PositiveIntegerField()),
                ("high", models.PositiveIntegerField()),
                ("medium", models.PositiveIntegerField()),
                ("low", models.PositiveIntegerField()),
                ("info", models.PositiveIntegerField()),
                ("suppressed", models.PositiveIntegerField()),
                ("lines_of_code", models.BigIntegerField()),
                ("dependencies", models.PositiveBigIntegerField()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="portfolio_days",
                        to="inventory.project",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["day"], name="portfolioday_day")],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "day"), name="portfolioday_project_day_unique")
                ],
            },
        ),
        migrations.RunPython(seed, remove, elidable=False),
    ]
