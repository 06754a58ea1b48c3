"""A row for each worker that runs, renewed by itself; an operator's wish to drain it lies there too."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0004_limits_and_batches"),
    ]

    operations = [
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("name", models.CharField(max_length=120, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=255)),
                ("pid", models.PositiveIntegerField()),
                (
                    "queues",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), default=list, size=None
                    ),
                ),
                ("pool", models.CharField(max_length=20)),
                ("processes", models.PositiveIntegerField(default=1)),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("stopping", models.BooleanField(default=False)),
                ("draining", models.BooleanField(default=False)),
                ("drained_by", models.CharField(blank=True, max_length=150)),
                ("drain_requested_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
    ]
