"""Leave half of each JobRun page empty, so that heartbeats update in place, and vacuum it early."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql="""
                ALTER TABLE jobs_jobrun SET (
                    fillfactor = 50,
                    autovacuum_vacuum_scale_factor = 0.02,
                    autovacuum_vacuum_threshold = 200,
                    autovacuum_analyze_scale_factor = 0.05
                );
                ALTER TABLE jobs_job SET (
                    fillfactor = 85,
                    autovacuum_vacuum_scale_factor = 0.05,
                    autovacuum_analyze_scale_factor = 0.02
                );
                ALTER TABLE jobs_jobevent SET (autovacuum_vacuum_insert_scale_factor = 0.05);
            """,
            reverse_sql="""
                ALTER TABLE jobs_jobrun RESET (
                    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
                    autovacuum_analyze_scale_factor
                );
                ALTER TABLE jobs_job RESET (
                    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor
                );
                ALTER TABLE jobs_jobevent RESET (autovacuum_vacuum_insert_scale_factor);
            """,
        ),
    ]
