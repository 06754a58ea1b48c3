"""Who worked on what a result set is of."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0006_gaps")]

    operations = [
        migrations.CreateModel(
            name="Contributor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("digest", models.CharField(max_length=16)),
                ("commits", models.IntegerField()),
                ("changes", models.IntegerField()),
                ("added", models.BigIntegerField(null=True)),
                ("deleted", models.BigIntegerField(null=True)),
                ("first_commit_at", models.DateTimeField()),
                ("last_commit_at", models.DateTimeField()),
                (
                    "result_set",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="people",
                        to="analysis.resultset",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["result_set", "id"], name="contributor_set_order")],
            },
        ),
    ]
