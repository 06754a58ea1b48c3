"""Endpoints and how they fare, messages, their deliveries and attempts."""

import commandcenter.core.encryption
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
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
            name='Endpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('url', models.CharField(max_length=2000)),
                ('description', models.CharField(blank=True, max_length=200)),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), size=None)),
                ('conditions', models.JSONField(blank=True, default=dict)),
                ('headers', commandcenter.core.encryption.EncryptedTextField(null=True)),
                ('header_names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None)),
                ('rate_limit', models.PositiveIntegerField(blank=True, null=True)),
                ('ordered', models.BooleanField(default=False)),
                ('timeout_seconds', models.PositiveSmallIntegerField(default=15)),
                ('enabled', models.BooleanField(default=True)),
                ('disabled_reason', models.CharField(blank=True, max_length=500)),
                ('disabled_at', models.DateTimeField(blank=True, null=True)),
                ('secret', commandcenter.core.encryption.EncryptedTextField()),
                ('previous_secret', commandcenter.core.encryption.EncryptedTextField(null=True)),
                ('previous_until', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='endpoints', to='inventory.project')),
            ],
        ),
        migrations.CreateModel(
            name='Message',
            fields=[
                ('event_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('uid', models.UUIDField()),
                ('type', models.CharField(max_length=80)),
                ('body', models.BinaryField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='message_created')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('type', models.CharField(max_length=80)),
                ('sequence', models.BigIntegerField(null=True)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('leased', 'In flight'), ('succeeded', 'Succeeded'), ('exhausted', 'Exhausted'), ('cancelled', 'Cancelled')], default='pending', max_length=9)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('scheduled_for', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease_token', models.UUIDField(null=True)),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('last_status', models.PositiveSmallIntegerField(null=True)),
                ('last_error', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
                ('endpoint', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='webhooks.endpoint')),
                ('message', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='webhooks.message')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('started_at', models.DateTimeField()),
                ('duration_ms', models.PositiveIntegerField()),
                ('address', models.CharField(blank=True, max_length=60)),
                ('tls_peer', models.CharField(blank=True, max_length=300)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('headers', models.JSONField(default=dict)),
                ('body', models.BinaryField(default=bytes)),
                ('body_cut', models.BooleanField(default=False)),
                ('error', models.CharField(blank=True, max_length=40)),
                ('detail', models.CharField(blank=True, max_length=500)),
                ('delivery', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tries', to='webhooks.delivery')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('delivery', 'number'), name='attempt_numbered')],
            },
        ),
        migrations.CreateModel(
            name='EndpointRun',
            fields=[
                ('endpoint', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='run', serialize=False, to='webhooks.endpoint')),
                ('last_sequence', models.BigIntegerField(default=0)),
                ('served_at', models.DateTimeField(null=True)),
                ('not_before', models.DateTimeField(null=True)),
                ('failing_since', models.DateTimeField(null=True)),
                ('circuit_since', models.DateTimeField(null=True)),
                ('circuit_attempts', models.PositiveIntegerField(default=0)),
                ('circuit_failures', models.PositiveIntegerField(default=0)),
                ('circuit_opened_at', models.DateTimeField(null=True)),
                ('circuit_probes', models.PositiveIntegerField(default=0)),
                ('probe_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['served_at', 'endpoint'], name='endpointrun_served')],
            },
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.CheckConstraint(condition=models.Q(('previous_secret__isnull', True), ('previous_until__isnull', False), _connector='OR'), name='webhook_endpoint_previous_secret_ends'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['endpoint', 'scheduled_for', 'id'], name='webhook_delivery_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('status', 'leased')), fields=['endpoint', 'lease_expires_at'], name='webhook_delivery_leased'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['endpoint', '-id'], name='webhook_delivery_recent'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['endpoint', 'status', '-id'], name='webhook_delivery_status'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('message', 'endpoint'), name='delivery_once'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'leased', 'succeeded', 'exhausted', 'cancelled'])), name='webhook_delivery_status_known'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('lease_token__isnull', False), ('status', 'leased')), models.Q(models.Q(('status', 'leased'), _negated=True), ('lease_token__isnull', True)), _connector='OR'), name='webhook_delivery_leased_by_token'),
        ),
    ]
