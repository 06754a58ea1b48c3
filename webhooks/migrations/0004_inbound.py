"""Code hosts that may tell of pushes, and what each of them told."""
import commandcenter.core.encryption
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0001_initial'),
        ('webhooks', '0003_attempt_hours'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='InboundSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('github', 'GitHub'), ('gitlab', 'GitLab')], max_length=6)),
                ('branches', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=255), blank=True, default=list, size=None)),
                ('enabled', models.BooleanField(default=True)),
                ('secret', commandcenter.core.encryption.EncryptedTextField()),
                ('previous_secret', commandcenter.core.encryption.EncryptedTextField(null=True)),
                ('previous_until', models.DateTimeField(null=True)),
                ('last_received_at', models.DateTimeField(blank=True, null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('repository', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='inbound_sources', to='inventory.repository')),
            ],
        ),
        migrations.CreateModel(
            name='InboundDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('delivery', models.CharField(max_length=200)),
                ('event', models.CharField(max_length=100)),
                ('branch', models.CharField(blank=True, max_length=255)),
                ('commit', models.CharField(blank=True, max_length=64)),
                ('outcome', models.CharField(choices=[('started', 'Analysis queued'), ('joined', 'Joined a waiting analysis'), ('ping', 'Ping answered'), ('ignored', 'Ignored')], max_length=7)),
                ('reason', models.CharField(blank=True, max_length=30)),
                ('detail', models.CharField(blank=True, max_length=500)),
                ('job_id', models.BigIntegerField(blank=True, null=True)),
                ('received_at', models.DateTimeField()),
                ('source', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='received', to='webhooks.inboundsource')),
            ],
            options={
                'verbose_name_plural': 'inbound deliveries',
            },
        ),
        migrations.AddConstraint(
            model_name='inboundsource',
            constraint=models.UniqueConstraint(fields=('repository', 'kind'), name='inbound_source_once'),
        ),
        migrations.AddConstraint(
            model_name='inboundsource',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['github', 'gitlab'])), name='inbound_source_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='inboundsource',
            constraint=models.CheckConstraint(condition=models.Q(('previous_secret__isnull', True), ('previous_until__isnull', False), _connector='OR'), name='inbound_source_previous_secret_ends'),
        ),
        migrations.AddIndex(
            model_name='inbounddelivery',
            index=models.Index(fields=['source', '-id'], name='inbound_delivery_recent'),
        ),
        migrations.AddIndex(
            model_name='inbounddelivery',
            index=models.Index(fields=['received_at'], name='inbound_delivery_received'),
        ),
        migrations.AddConstraint(
            model_name='inbounddelivery',
            constraint=models.UniqueConstraint(fields=('source', 'delivery'), name='inbound_delivery_once'),
        ),
        migrations.AddConstraint(
            model_name='inbounddelivery',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['started', 'joined', 'ping', 'ignored'])), name='inbound_delivery_outcome_known'),
        ),
    ]
