from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("events", "0003_relays_do_not_expire")]

    operations = [
        migrations.AddField(
            model_name="outbox",
            name="early",
            field=models.BooleanField(default=True),
        ),
        migrations.AddIndex(
            model_name="outbox",
            index=models.Index(fields=["event"], condition=Q(("early", True)), name="outbox_early"),
        ),
    ]
