"""List jobs by (created_at, id) through indexes in that order, and find them by tag and text through rows of their own.

Building the indexes reads the table a few times and keeps everybody else out meanwhile: about a minute for a million jobs.
"""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import NotSupportedError, OperationalError, ProgrammingError, migrations, models


class Trigrams(TrigramExtension):
    """Says what to do where the role of the application may not create the extension."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        except (ProgrammingError, NotSupportedError, OperationalError) as error:
            raise ProgrammingError(
                "Searching jobs needs PostgreSQL's extension pg_trgm, and it could not be created here. Let an "
                "administrator run CREATE EXTENSION pg_trgm in this database (it belongs to PostgreSQL's contrib "
                "modules), then migrate again."
            ) from error


# The texts of a job: its tags as key:value, and its error. In SQL, so that every writer is served alike.
TEXTS = """
CREATE FUNCTION jobs_texts(project bigint, tags jsonb, error_code text, error_message text)
RETURNS TABLE (hash bigint, kind text, body text) LANGUAGE sql STABLE AS $$
    SELECT hashtextextended(kind || body, project), kind, body
    FROM (
        SELECT 't' AS kind, left(key || ':' || value, 500) AS body
        FROM jsonb_each_text(CASE jsonb_typeof(tags) WHEN 'object' THEN tags ELSE '{}' END)
        UNION
        SELECT 'e', left(error_code || ': ' || error_message, 500)
        WHERE error_code <> '' OR error_message <> ''
    ) texts
$$;
"""
# The jobs first and then the texts, each with a look of its own at what is committed: see jobs/lists/terms.py on pruning.
INSERTED = """
CREATE FUNCTION jobs_job_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM fresh WHERE tags <> '{}' OR error_code <> '' OR error_message <> '') THEN
        RETURN NULL;
    END IF;
    INSERT INTO jobs_jobterm (term, created_at, job_id)
        SELECT t.hash, f.created_at, f.id
        FROM fresh f CROSS JOIN LATERAL jobs_texts(f.project_id, f.tags, f.error_code, f.error_message) t;
    INSERT INTO jobs_term (hash, project_id, kind, body)
        SELECT DISTINCT t.hash, f.project_id, t.kind, t.body
        FROM fresh f CROSS JOIN LATERAL jobs_texts(f.project_id, f.tags, f.error_code, f.error_message) t
        WHERE NOT EXISTS (SELECT 1 FROM jobs_term known WHERE known.hash = t.hash);
    RETURN NULL;
END $$;
CREATE TRIGGER jobs_job_inserted AFTER INSERT ON jobs_job
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION jobs_job_inserted();
"""
CHANGED = """
CREATE FUNCTION jobs_job_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM jobs_jobterm WHERE job_id = NEW.id;
    INSERT INTO jobs_jobterm (term, created_at, job_id)
        SELECT t.hash, NEW.created_at, NEW.id
        FROM jobs_texts(NEW.project_id, NEW.tags, NEW.error_code, NEW.error_message) t;
    INSERT INTO jobs_term (hash, project_id, kind, body)
        SELECT t.hash, NEW.project_id, t.kind, t.body
        FROM jobs_texts(NEW.project_id, NEW.tags, NEW.error_code, NEW.error_message) t
        WHERE NOT EXISTS (SELECT 1 FROM jobs_term known WHERE known.hash = t.hash);
    RETURN NULL;
END $$;
CREATE TRIGGER jobs_job_changed AFTER UPDATE ON jobs_job FOR EACH ROW
    WHEN (OLD.tags IS DISTINCT FROM NEW.tags OR OLD.error_code <> NEW.error_code
          OR OLD.error_message <> NEW.error_message OR OLD.created_at <> NEW.created_at
          OR OLD.project_id <> NEW.project_id)
    EXECUTE FUNCTION jobs_job_changed();
"""
REFERENCES = """
ALTER TABLE jobs_jobterm ADD CONSTRAINT jobs_jobterm_job FOREIGN KEY (job_id)
    REFERENCES jobs_job (id) ON DELETE CASCADE;
ALTER TABLE jobs_term ADD CONSTRAINT jobs_term_project FOREIGN KEY (project_id)
    REFERENCES inventory_project (id) ON DELETE CASCADE;
"""
# Most texts are rare and some are in every second job: plans must suit the latter.
PLANNER = "ALTER TABLE jobs_jobterm ALTER COLUMN term SET (n_distinct = 50)"
PRESENT = """
INSERT INTO jobs_jobterm (term, created_at, job_id)
    SELECT t.hash, j.created_at, j.id
    FROM jobs_job j CROSS JOIN LATERAL jobs_texts(j.project_id, j.tags, j.error_code, j.error_message) t;
INSERT INTO jobs_term (hash, project_id, kind, body)
    SELECT DISTINCT t.hash, j.project_id, t.kind, t.body
    FROM jobs_job j CROSS JOIN LATERAL jobs_texts(j.project_id, j.tags, j.error_code, j.error_message) t;
"""
BACK = """
DROP TRIGGER jobs_job_changed ON jobs_job;
DROP TRIGGER jobs_job_inserted ON jobs_job;
DROP FUNCTION jobs_job_changed();
DROP FUNCTION jobs_job_inserted();
DROP FUNCTION jobs_texts(bigint, jsonb, text, text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0001_initial'),
        ('jobs', '0008_history_tasks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        Trigrams(),
        migrations.RemoveIndex(
            model_name='job',
            name='job_project_status',
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='job_project_recent',
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='job_created',
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='job_celery_task',
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='job_tags',
        ),
        migrations.RemoveIndex(
            model_name='job',
            name='job_repository',
        ),
        migrations.AlterField(
            model_name='job',
            name='parent',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='children', to='jobs.job'),
        ),
        migrations.AlterField(
            model_name='job',
            name='project',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='jobs', to='inventory.project'),
        ),
        migrations.AlterField(
            model_name='job',
            name='retry_of',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='retries', to='jobs.job'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['-created_at', '-id'], name='job_recent'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['status', 'job_type', '-created_at', '-id'], name='job_status_recent'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['project', '-created_at', '-id'], name='job_project_recent'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['project', 'status', 'job_type', '-created_at', '-id'], name='job_project_status'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('parent__isnull', False)), fields=['parent', '-created_at', '-id'], include=('project', 'status', 'job_type'), name='job_parent_recent'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('retry_of__isnull', False)), fields=['retry_of', '-created_at', '-id'], name='job_retry_of'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('repository__isnull', False)), fields=['repository', '-created_at', '-id'], include=('project', 'status', 'job_type'), name='job_repository'),
        ),
        migrations.CreateModel(
            name='JobTerm',
            fields=[
                ('pk', models.CompositePrimaryKey('term', 'created_at', 'job', blank=True, editable=False, primary_key=True, serialize=False)),
                ('term', models.BigIntegerField()),
                ('created_at', models.DateTimeField()),
                ('job', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='jobs.job')),
            ],
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hash', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('t', 'Tag'), ('e', 'Error')], max_length=1)),
                ('body', models.CharField(max_length=500)),
                ('project', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='inventory.project')),
            ],
        ),
        # The rows of the jobs that are there come before the indexes, which are then built at once.
        migrations.RunSQL([TEXTS, PRESENT], migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='jobterm',
            index=models.Index(fields=['job'], name='jobterm_job'),
        ),
        migrations.AddIndex(
            model_name='jobterm',
            index=models.Index(fields=['-created_at', '-job'], include=('term',), name='jobterm_recent'),
        ),
        migrations.AddIndex(
            model_name='term',
            index=models.Index(fields=['hash'], name='jobterm_hash'),
        ),
        migrations.AddIndex(
            model_name='term',
            index=models.Index(fields=['body', 'kind'], name='jobterm_body'),
        ),
        migrations.AddIndex(
            model_name='term',
            index=django.contrib.postgres.indexes.GinIndex(fields=['body'], name='jobterm_search', opclasses=['gin_trgm_ops']),
        ),
        migrations.AddIndex(
            model_name='term',
            index=models.Index(fields=['project'], name='jobterm_project'),
        ),
        migrations.RunSQL([REFERENCES, PLANNER], migrations.RunSQL.noop),
        migrations.RunSQL([INSERTED, CHANGED], BACK),
    ]
