"""An index by the advisory that leads a problem."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("advisories", "0002_periodic"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="match",
            index=models.Index(fields=["leader"], name="match_leader"),
        ),
    ]
