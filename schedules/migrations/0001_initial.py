"""The schedules, their firings and blackouts, and what ticks know of one another."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import schedules.timing.model
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('inventory', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Ticker',
            fields=[
                ('name', models.CharField(default='ticker', max_length=10, primary_key=True, serialize=False)),
                ('ticked_at', models.DateTimeField(null=True)),
                ('zone_data', models.CharField(blank=True, max_length=40)),
                ('recounted_to', models.BigIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('name', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True, max_length=2000)),
                ('tags', models.JSONField(blank=True, default=list)),
                ('job_type', models.CharField(choices=[('analysis', 'Analysis'), ('export', 'Export'), ('import', 'Import'), ('batch_analysis', 'Batch analysis'), ('batch_export', 'Batch export')], max_length=20)),
                ('parameters', models.JSONField(blank=True, default=dict)),
                ('frequency', models.CharField(choices=[('once', 'Once'), ('interval', 'Interval'), ('hourly', 'Hourly'), ('daily', 'Daily'), ('weekly', 'Weekly'), ('monthly', 'Monthly'), ('cron', 'Cron')], max_length=10)),
                ('timezone', models.CharField(default='UTC', max_length=64)),
                ('cron', models.CharField(blank=True, max_length=200)),
                ('interval_seconds', models.PositiveIntegerField(blank=True, null=True)),
                ('run_at', models.DateTimeField(blank=True, null=True)),
                ('time', models.TimeField(blank=True, null=True)),
                ('weekday', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('month_day', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('window_start', models.TimeField(blank=True, null=True)),
                ('window_end', models.TimeField(blank=True, null=True)),
                ('starts_at', models.DateTimeField(blank=True, null=True)),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('dst_gap', models.CharField(choices=[('run', 'run'), ('skip', 'skip')], default=schedules.timing.model.Gap['RUN'], max_length=5)),
                ('dst_overlap', models.CharField(choices=[('first', 'first'), ('both', 'both')], default=schedules.timing.model.Overlap['FIRST'], max_length=5)),
                ('jitter_seconds', models.PositiveIntegerField(default=0)),
                ('overlap_policy', models.CharField(choices=[('skip', 'Skip the new run'), ('queue', 'Let the new run wait'), ('cancel_running', 'Cancel the earlier run'), ('allow', 'Run both')], default='skip', max_length=14)),
                ('misfire_policy', models.CharField(choices=[('fire_once', 'Run once for all of them'), ('fire_all', 'Run each of them'), ('skip', 'Run none of them')], default='fire_once', max_length=9)),
                ('misfire_grace_seconds', models.PositiveIntegerField(default=300)),
                ('pause_after_failures', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('enabled', models.BooleanField(default=True)),
                ('pause_reason', models.CharField(blank=True, max_length=500)),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('counted_from', models.DateTimeField(editable=False)),
                ('next_scheduled_for', models.DateTimeField(editable=False, null=True)),
                ('next_run_at', models.DateTimeField(editable=False, null=True)),
                ('last_run_at', models.DateTimeField(editable=False, null=True)),
                ('consecutive_failures', models.PositiveIntegerField(default=0, editable=False)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('paused_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='schedules', to='inventory.project')),
                ('repository', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='schedules', to='inventory.repository')),
            ],
        ),
        migrations.CreateModel(
            name='Firing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('scheduled', 'Scheduled'), ('manual', 'Started by hand'), ('backfill', 'Backfill')], default='scheduled', max_length=9)),
                ('scheduled_for', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField()),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('started', 'Started'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('skipped', 'Skipped'), ('missed', 'Missed'), ('refused', 'Refused')], max_length=9)),
                ('reason', models.CharField(blank=True, max_length=30)),
                ('detail', models.CharField(blank=True, max_length=500)),
                ('merged', models.PositiveIntegerField(default=0)),
                ('job_id', models.BigIntegerField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('seconds', models.FloatField(blank=True, null=True)),
                ('overran', models.BooleanField(default=False)),
                ('schedule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='firings', to='schedules.schedule')),
            ],
        ),
        migrations.CreateModel(
            name='Blackout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='blackouts', to='inventory.project')),
                ('schedule', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='blackouts', to='schedules.schedule')),
            ],
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('enabled', True)), fields=['next_run_at', 'id'], name='schedule_due'),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=django.contrib.postgres.indexes.GinIndex(fields=['tags'], name='schedule_tags', opclasses=['jsonb_path_ops']),
        ),
        migrations.AddConstraint(
            model_name='schedule',
            constraint=models.UniqueConstraint(fields=('project', 'name'), name='schedule_project_name_unique'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(fields=['schedule', '-id'], name='firing_recent'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(condition=models.Q(('status__in', ('waiting', 'started'))), fields=['schedule', 'status'], name='firing_open'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(condition=models.Q(('status', 'started')), fields=['job_id'], name='firing_of_job'),
        ),
        migrations.AddIndex(
            model_name='firing',
            index=models.Index(fields=['decided_at'], name='firing_decided'),
        ),
        migrations.AddConstraint(
            model_name='firing',
            constraint=models.UniqueConstraint(fields=('schedule', 'scheduled_for', 'kind'), name='firing_once'),
        ),
        migrations.AddConstraint(
            model_name='firing',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['waiting', 'started', 'succeeded', 'failed', 'cancelled', 'skipped', 'missed', 'refused'])), name='firing_status_known'),
        ),
        migrations.AddIndex(
            model_name='blackout',
            index=models.Index(fields=['project', 'ends_at'], name='blackout_project'),
        ),
        migrations.AddConstraint(
            model_name='blackout',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='blackout_ends_after_start'),
        ),
    ]
