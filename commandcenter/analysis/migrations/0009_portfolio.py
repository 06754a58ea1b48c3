from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("analysis", "0008_retention")]

    operations = []
