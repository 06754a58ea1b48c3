"""Remember of an open finding that its file cannot be read any more, so that it was not seen since."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0013_unknown_sums")]

    operations = [
        migrations.AddField(
            model_name="finding", name="unread", field=models.BooleanField(db_default=False)
        ),
        migrations.AddIndex(
            model_name="finding",
            index=models.Index(
                condition=models.Q(unread=True), fields=["branch_line"], name="finding_unread"
            ),
        ),
    ]
