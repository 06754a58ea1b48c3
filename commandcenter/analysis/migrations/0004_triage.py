from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("analysis", "0003_prune_mirrors_hourly")]

    operations = []
