"""What checks of good practice find in a result set."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0005_policies")]

    operations = [
        migrations.CreateModel(
            name="GapCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("check_id", models.CharField(max_length=60)),
                ("title", models.CharField(max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("passed", "Passed"),
                            ("gap", "Gap"),
                            ("not_applicable", "Not applicable"),
                            ("unknown", "Unknown"),
                        ],
                        max_length=14,
                    ),
                ),
                ("looked_at", models.IntegerField()),
                ("gaps", models.IntegerField()),
                ("detail", models.TextField(blank=True)),
                (
                    "result_set",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="gap_checks",
                        to="analysis.resultset",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("result_set", "check_id"), name="gapcheck_set_check_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["passed", "gap", "not_applicable", "unknown"])),
                        name="gapcheck_status_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Gap",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("check_id", models.CharField(max_length=60)),
                ("subject", models.CharField(max_length=300)),
                ("title", models.CharField(max_length=200)),
                (
                    "severity",
                    models.SmallIntegerField(
                        choices=[(0, "info"), (1, "low"), (2, "medium"), (3, "high"), (4, "critical")]
                    ),
                ),
                ("reason", models.TextField()),
                ("remedy", models.TextField()),
                ("evidence", models.JSONField(default=list)),
                (
                    "result_set",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="gaps",
                        to="analysis.resultset",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["result_set", "-severity", "id"], name="gap_set_severity")],
            },
        ),
    ]
