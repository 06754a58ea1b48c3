"""Let the claim read endpoints in the order of their turns, and vacuum what it has taken before its next ones wade through it."""

from django.db import migrations, models
from django.db.models import F


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0007_resend_periodically")]

    operations = [
        migrations.RemoveIndex(model_name="endpointrun", name="endpointrun_served"),
        migrations.AddIndex(
            model_name="endpointrun",
            index=models.Index(F("served_at").asc(nulls_first=True), "endpoint", name="endpointrun_served"),
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE webhooks_delivery SET (
                    autovacuum_vacuum_scale_factor = 0.02,
                    autovacuum_vacuum_threshold = 1000,
                    autovacuum_analyze_scale_factor = 0.02
                );
                ALTER TABLE webhooks_endpointrun SET (
                    fillfactor = 50,
                    autovacuum_vacuum_scale_factor = 0.1,
                    autovacuum_vacuum_threshold = 200
                );
            """,
            reverse_sql="""
                ALTER TABLE webhooks_delivery RESET (
                    autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor
                );
                ALTER TABLE webhooks_endpointrun RESET (
                    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold
                );
            """,
        ),
    ]
