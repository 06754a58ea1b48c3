"""What the health of a schedule is read from: how its last run ended, and whether it was late."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0001_initial'),
        ('schedules', '0002_periodic'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='schedule',
            name='last_late_seconds',
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='schedule',
            name='last_outcome',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=9),
        ),
        migrations.AddField(
            model_name='schedule',
            name='last_outcome_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='schedule',
            name='last_outcome_detail',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=500),
        ),
        migrations.AddField(
            model_name='schedule',
            name='missed_told_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name='schedule',
            index=models.Index(condition=models.Q(('enabled', True), ('last_outcome__in', ('failed', 'missed', 'refused'))), fields=['id'], name='schedule_failing'),
        ),
    ]
