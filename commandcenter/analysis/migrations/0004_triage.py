"""What people decide about findings, what a finding was called before, and which version of an engine looked for it."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

NAME = "Analysis: end suppressions that have expired"


def seed(apps, schema_editor):
    intervals = apps.get_model("django_celery_beat", "IntervalSchedule").objects
    interval = intervals.filter(every=1, period="minutes").first() or intervals.create(every=1, period="minutes")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.update_or_create(
        name=NAME,
        defaults={
            "task": "commandcenter.analysis.tasks.expire_suppressions",
            "interval": interval,
            "queue": "system",
            "expire_seconds": 50,
        },
    )


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0003_prune_mirrors_hourly'),
        ('django_celery_beat', '0019_alter_periodictasks_options'),
        ('inventory', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EngineRelease',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('engine', models.CharField(max_length=30)),
                ('version', models.CharField(max_length=200)),
                ('config', models.CharField(blank=True, max_length=64)),
                ('rule_ids', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
            ],
        ),
        migrations.CreateModel(
            name='FindingAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('suppressed', 'Suppressed'), ('reopened', 'Reopened'), ('expired', 'Suppression expired'), ('assigned', 'Assigned'), ('commented', 'Commented')], max_length=12)),
                ('actor_id', models.BigIntegerField(null=True)),
                ('actor_name', models.CharField(max_length=150)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('comment', models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='FindingMove',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ticket', models.PositiveBigIntegerField()),
                ('kind', models.CharField(choices=[('renamed', 'Its file was renamed or moved'), ('shifted', 'Equal lines beside it came or went'), ('edited', 'Its own lines were edited'), ('replaced', 'Another finding took its place after it was fixed')], max_length=10)),
                ('fingerprint', models.CharField(max_length=80)),
                ('path', models.TextField()),
                ('start_line', models.IntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='branchline',
            name='engines_ran',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='finding',
            name='assigned',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='finding',
            name='assignee',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='finding',
            name='content',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='finding',
            name='counterpart',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='analysis.finding'),
        ),
        migrations.AddField(
            model_name='finding',
            name='decided',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='finding',
            name='origin',
            field=models.CharField(choices=[('code', 'The code changed'), ('rule', 'A rule or its engine changed')], default='code', max_length=4),
        ),
        migrations.AddField(
            model_name='finding',
            name='suppressed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='finding',
            name='suppressed_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='finding',
            name='suppressed_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='finding',
            name='suppression_kind',
            field=models.CharField(blank=True, choices=[('false_positive', 'False positive'), ('accepted_risk', 'Accepted risk'), ('wont_fix', 'Will not be fixed'), ('used_in_tests', 'Used in tests')], max_length=20),
        ),
        migrations.AddField(
            model_name='finding',
            name='suppression_reason',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='findingtransition',
            name='reason',
            field=models.CharField(choices=[('code', 'The code changed'), ('rule', 'A rule or its engine changed')], default='code', max_length=4),
        ),
        migrations.AddField(
            model_name='occurrence',
            name='content',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('suppression_kind', ''), _negated=True), fields=['branch_line', '-id'], name='finding_suppressed'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('suppressed_until__isnull', False)), fields=['suppressed_until'], name='finding_suppressed_until'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('assignee__isnull', False)), fields=['assignee', '-id'], name='finding_assignee'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('counterpart__isnull', False)), fields=['counterpart'], name='finding_counterpart'),
        ),
        migrations.AddConstraint(
            model_name='finding',
            constraint=models.CheckConstraint(condition=models.Q(('origin__in', ['code', 'rule'])), name='finding_origin_known'),
        ),
        migrations.AddConstraint(
            model_name='finding',
            constraint=models.CheckConstraint(condition=models.Q(('suppression_kind__in', ['', 'false_positive', 'accepted_risk', 'wont_fix', 'used_in_tests'])), name='finding_suppression_known'),
        ),
        migrations.AddConstraint(
            model_name='enginerelease',
            constraint=models.UniqueConstraint(fields=('engine', 'version', 'config'), name='enginerelease_engine_version_unique'),
        ),
        migrations.AddField(
            model_name='findingaction',
            name='finding',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='actions', to='analysis.finding'),
        ),
        migrations.AddField(
            model_name='findingmove',
            name='analysis',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='analysis.analysis'),
        ),
        migrations.AddField(
            model_name='findingmove',
            name='branch_line',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='analysis.branchline'),
        ),
        migrations.AddField(
            model_name='findingmove',
            name='finding',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='moves', to='analysis.finding'),
        ),
        migrations.AddIndex(
            model_name='findingaction',
            index=models.Index(fields=['finding', 'id'], name='findingaction_finding'),
        ),
        migrations.AddIndex(
            model_name='findingmove',
            index=models.Index(fields=['branch_line', 'fingerprint', 'ticket'], name='findingmove_fingerprint'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('inline_suppressed', True), models.Q(('suppression_kind', ''), _negated=True), _connector='OR'), fields=['-id'], name='finding_silenced'),
        ),
        migrations.RunPython(seed, remove, elidable=False),
    ]
