"""Notices of endpoints that fail, made and mailed every 5 minutes; an operator may edit the entry."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

NAME = "Webhooks: tell of failing endpoints"


def seed(apps, schema_editor):
    """Create the entry unless an operator has made one of its name."""
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    interval = intervals.filter(every=5, period="minutes").first()
    interval = interval or intervals.create(every=5, period="minutes")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": "webhooks.notice",
            "interval": interval,
            "queue": "default",
            "expire_seconds": 600,
            "description": "Tells of endpoints of webhooks that only fail, in the activity stream and by mail (EMAIL_URL).",
        },
    )


def remove(apps, schema_editor):
    """Delete the entry."""
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('webhooks', '0004_inbound'),
        ('django_celery_beat', '0019_alter_periodictasks_options'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('endpoint', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='webhooks.endpoint')),
                ('kind', models.CharField(choices=[('failing', 'It only fails'), ('last_day', 'It is given up tomorrow'), ('disabled', 'It was disabled')], max_length=8)),
                ('since', models.DateTimeField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('mailed_at', models.DateTimeField(null=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(default=django.utils.timezone.now)),
                ('error', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.AddIndex(
            model_name='endpointrun',
            index=models.Index(condition=models.Q(('failing_since__isnull', False)), fields=['failing_since'], name='endpointrun_failing'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(condition=models.Q(('mailed_at__isnull', True)), fields=['not_before'], name='webhook_notice_unmailed'),
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(fields=['created_at'], name='webhook_notice_created'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('endpoint', 'kind', 'since'), name='webhook_notice_once'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['failing', 'last_day', 'disabled'])), name='webhook_notice_kind_known'),
        ),
        migrations.RunPython(seed, remove),
    ]
