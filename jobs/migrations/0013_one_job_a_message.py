"""A message of beat's that asks for a job makes one, however often it comes."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("jobs", "0012_events_without_a_second_index")]

    operations = [
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                fields=["child_key"],
                condition=Q(parent=None) & ~Q(child_key=""),
                name="job_message_once",
            ),
        ),
    ]
