"""What projects demand of their analyses, and how each analysis was judged."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0004_triage"), ("inventory", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("name", models.CharField(max_length=200)),
                ("enabled", models.BooleanField(default=True)),
                ("unknown_fails", models.BooleanField(default=False)),
                ("conditions", models.JSONField(blank=True, default=list)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="policy", to="inventory.project"
                    ),
                ),
            ],
            options={"verbose_name_plural": "policies"},
        ),
        migrations.CreateModel(
            name="PolicyVerdict",
            fields=[
                (
                    "analysis",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="policy_verdict",
                        serialize=False,
                        to="analysis.analysis",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="verdicts",
                        to="analysis.policy",
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("unknown_fails", models.BooleanField()),
                (
                    "status",
                    models.CharField(
                        choices=[("passed", "Passed"), ("failed", "Failed"), ("unknown", "Unknown")], max_length=7
                    ),
                ),
                ("results", models.JSONField(default=list)),
                ("evaluated_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [models.Index(fields=["status", "-analysis"], name="policyverdict_status")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["passed", "failed", "unknown"])),
                        name="policyverdict_status_known",
                    )
                ],
            },
        ),
    ]
