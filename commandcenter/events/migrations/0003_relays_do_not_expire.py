"""Let no relay expire: a worker whose clock is ahead of beat's would drop every one unread, and no event arrive."""

from django.db import migrations


def keep(apps, schema_editor):
    """Take the expiry away where it is the one that was seeded."""
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(
        name="Events: relay the outbox", expire_seconds=30
    ).update(expire_seconds=None)


class Migration(migrations.Migration):
    dependencies = [("events", "0002_periodic_tasks"), ("django_celery_beat", "0019_alter_periodictasks_options")]

    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
