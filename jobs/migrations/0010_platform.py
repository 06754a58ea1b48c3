"""Keep what the platform has done since its beginning, for counters that only rise."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0009_lists"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlatformCount",
            fields=[
                ("name", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("value", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="JobTypeTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "job_type",
                    models.CharField(
                        choices=[
                            ("analysis", "Analysis"),
                            ("export", "Export"),
                            ("import", "Import"),
                            ("batch_analysis", "Batch analysis"),
                            ("batch_export", "Batch export"),
                        ],
                        max_length=20,
                    ),
                ),
                ("completed", models.BigIntegerField(default=0)),
                ("failed", models.BigIntegerField(default=0)),
                ("cancelled", models.BigIntegerField(default=0)),
                ("losses", models.BigIntegerField(default=0)),
                ("duplicates", models.BigIntegerField(default=0)),
                ("run_seconds", models.FloatField(default=0)),
                ("wait_seconds", models.FloatField(default=0)),
                ("run_histogram", models.JSONField(default=dict)),
                ("wait_histogram", models.JSONField(default=dict)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("job_type",), name="jobtypetotal_once")],
            },
        ),
    ]
