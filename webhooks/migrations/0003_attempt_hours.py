"""Sums of attempts by the hour. Part of each page stays empty, so that counting one more updates in place."""

import django.db.models.deletion
from django.db import migrations, models

import jobs.models.statistics


class Migration(migrations.Migration):

    dependencies = [
        ('webhooks', '0002_periodic'),
    ]

    operations = [
        migrations.CreateModel(
            name='AttemptHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('type', models.CharField(max_length=80)),
                ('outcome', models.CharField(max_length=40)),
                ('attempts', models.BigIntegerField()),
                ('latency', jobs.models.statistics.HistogramField(default=dict)),
                ('endpoint', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='hours', to='webhooks.endpoint')),
            ],
            options={
                'indexes': [models.Index(fields=['hour'], name='attempthour_hour')],
                'constraints': [models.UniqueConstraint(fields=('endpoint', 'hour', 'type', 'outcome'), name='attempthour_once')],
            },
        ),
        migrations.RunSQL(
            sql="ALTER TABLE webhooks_attempthour SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)",
            reverse_sql="ALTER TABLE webhooks_attempthour RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        ),
    ]
