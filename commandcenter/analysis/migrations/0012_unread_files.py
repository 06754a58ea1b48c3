"""The files that engines were to read and could not."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0011_licenses")]

    operations = [
        migrations.CreateModel(
            name="UnreadFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("engine", models.CharField(max_length=30)),
                ("path", models.TextField()),
                ("reason", models.TextField()),
                (
                    "result_set",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unread_files",
                        to="analysis.resultset",
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["result_set", "id"], name="unreadfile_set_order")]},
        ),
    ]
