"""What /rules and `also_in` need: retired rules, the names of secrets and the key that gives them."""


import commandcenter.core.encryption
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analysis', '0009_portfolio'),
        ('inventory', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CorrelationKey',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('key', commandcenter.core.encryption.EncryptedTextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name='finding',
            name='correlation',
            field=models.CharField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name='occurrence',
            name='correlation',
            field=models.CharField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name='rule',
            name='retired_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('correlation__isnull', False)), fields=['correlation', '-id'], name='finding_correlation'),
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(models.Q(('state', 'fixed'), _negated=True), ('inline_suppressed', False)), fields=['rule', 'repository'], name='finding_rule_open'),
        ),
        migrations.AddConstraint(
            model_name='correlationkey',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='correlationkey_one'),
        ),
    ]
