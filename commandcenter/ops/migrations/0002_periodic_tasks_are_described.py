"""Say in the admin what each of the platform's periodic tasks does, where nobody has said it.

Three that remove what may have grown for a day leave the queue `system`: its worker runs one task at a time, and the
reaper and the tick of schedules must not wait behind them.
"""

from django.db import migrations

DESCRIPTIONS = {
    "Accounts: forget ended tokens": "Removes API tokens a month after they expired or were revoked.",
    "Advisories: ask the online database": "Asks the online database of vulnerabilities, where CC_OSV_URL names one.",
    "Advisories: ask the registries": "Asks the registries that are set for the latest versions of packages in use.",
    "Advisories: match packages": "Matches packages that are new, or touched by an import, with known vulnerabilities.",
    "Analysis: end suppressions that have expired": "Puts on record that suppressions of findings have run out.",
    "Analysis: forget old ones": "Removes analyses and results beyond their time.",
    "Analysis: keep the portfolio's standings": "Refreshes how repositories stand, and writes the figures of the day.",
    "Analysis: prune mirrors": "Removes the mirrors that nobody used longest, until the rest fits.",
    "Analysis: register packages in use": "Registers packages in use that have no row yet, and forgets unused ones.",
    "Analysis: settle what its job has ended": "Ends analyses whose job has ended without them.",
    "Core: forget idempotency keys": "Removes the answers kept for idempotency keys after a day.",
    "Events: forget old events": "Removes events beyond their retention.",
    "Events: relay the outbox": "Hands committed events to whoever listens, where that was not done at once.",
    "Exports: deliver what is due": "Pushes exports to where they shall go, and tries again what failed.",
    "Exports: remove what is too old": "Removes exports whose time is up, and files that no export names.",
    "Exports: settle what its job has ended": "Ends exports whose job has ended without them.",
}

LONG = ("Accounts: forget ended tokens", "Core: forget idempotency keys", "Events: forget old events")


def move(apps, schema_editor):
    """Change the queue where it is the one that was seeded."""
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects
    tasks.filter(name__in=LONG, queue="system").update(queue="default")


def describe(apps, schema_editor):
    """Fill empty descriptions of the seeded entries."""
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects
    for name, description in DESCRIPTIONS.items():
        tasks.filter(name=name, description="").update(description=description)


class Migration(migrations.Migration):
    dependencies = [
        ("ops", "0001_initial"),
        ("accounts", "0002_periodic_tasks"),
        ("advisories", "0002_periodic"),
        ("analysis", "0009_portfolio"),
        ("events", "0002_periodic_tasks"),
        ("exports", "0005_deliver_periodically"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [
        migrations.RunPython(describe, migrations.RunPython.noop),
        migrations.RunPython(move, migrations.RunPython.noop),
    ]
