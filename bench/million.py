"""A million jobs made by SQL: uneven on purpose, as real ones are, and some of it only among the oldest."""

from __future__ import annotations

from typing import Any

from psycopg import sql

JOBS = 1_000_000
PROJECTS = 200
# What no filter may stumble over: ids that do not follow time (a fifth was imported), a status and a tag that
# only the oldest jobs have, one project with a tenth of all jobs and many with few, texts that differ job by job.
STEPS = (
    """
    INSERT INTO inventory_project (name, slug, description, created_at, updated_at)
    SELECT 'Bench ' || n, 'bench-' || n, '', now(), now() FROM generate_series(1, {projects}) n
    """,
    """
    INSERT INTO inventory_repository (project_id, name, source, default_branch, credential_username, tags,
                                      created_at, updated_at)
    SELECT p.id, 'bench ' || n, 'https://git.example/' || p.slug || '/' || n, '', '', '[]', now(), now()
    FROM inventory_project p, generate_series(1, 10) n WHERE p.slug LIKE 'bench-%'
    """,
    """
    INSERT INTO jobs_job (
        id, project_id, job_type, status, parameters, result, error_code, error_message, tags, queue, attempt,
        max_attempts, failures, losses, celery_task_id, origin_kind, created_at, queued_at, published_at,
        started_at, completed_at, repository_id, exclusive_key, join_key, held_by, child_key, awaits_children,
        parent_id, retry_of_id)
    SELECT base + n, project, kind, state, jsonb_build_object('repository', repository, 'ref', null, 'force', false),
        CASE WHEN state = 'completed' THEN '{{"findings": 12, "files": 340}}'::jsonb END,
        CASE WHEN state = 'failed' THEN code ELSE '' END,
        CASE WHEN state = 'failed' THEN 'could not read the source of repository ' || repository || ': ' || code
            ELSE '' END,
        CASE WHEN n <= {jobs} / 20 THEN '{{"legacy": "yes"}}'::jsonb
            WHEN n % 10 = 1 THEN jsonb_build_object('build', n::text)
            WHEN n % 2 = 0 THEN jsonb_build_object('team', 'team' || n % 20)
            ELSE '{{}}'::jsonb END,
        'default', 1, 3, 0, 0, gen_random_uuid()::text, 'api', made, made, made,
        CASE WHEN state NOT IN ('pending', 'queued') THEN made + interval '1 second' END,
        CASE WHEN state IN ('completed', 'failed', 'cancelled') THEN made + interval '9 seconds' END,
        repository, '', '', '', '', false,
        CASE WHEN n % 1000 BETWEEN 1 AND 100 THEN base + (n / 1000 + 1) * 1000 END,
        CASE WHEN n % 97 = 0 THEN base + n - 1 END
    FROM (
        SELECT n, base, first_project + spread AS project,
            first_repository + spread * 10 + n % 10 AS repository,
            (ARRAY['analysis', 'export', 'import', 'batch_analysis'])[
                CASE WHEN n % 1000 = 0 THEN 4 WHEN n % 50 = 0 THEN 3 WHEN n % 15 = 0 THEN 2 ELSE 1 END] AS kind,
            CASE WHEN n > {jobs} - 20 THEN 'pending' WHEN n > {jobs} - 600 THEN 'queued'
                WHEN n < {jobs} / 50 AND n % 3 = 0 THEN 'cancelled' WHEN n % 19 = 0 THEN 'failed'
                ELSE 'completed' END AS state,
            (ARRAY['time_limit', 'source_unreachable', 'engine_failed'])[1 + n % 3] AS code,
            now() - make_interval(secs => 30.0 * (
                CASE WHEN n % 5 = 0 AND n < {jobs} - 1000 THEN (n::bigint * 7919) % {jobs} ELSE {jobs} - n END))
                AS made
        FROM (
            SELECT n, CASE WHEN n % 10 = 3 THEN 0 ELSE floor(200 * power(((n::bigint * 7907) % 10007) / 10007.0, 2))::int
                END AS spread
            FROM generate_series(1, {jobs}) n
        ) numbered,
        (SELECT min(id) AS first_project FROM inventory_project WHERE slug LIKE 'bench-%') p,
        (SELECT min(r.id) AS first_repository FROM inventory_repository r
            JOIN inventory_project p ON p.id = r.project_id WHERE p.slug LIKE 'bench-%') r,
        (SELECT COALESCE(max(id), 0) AS base FROM jobs_job) b
    ) rows
    """,
    """
    INSERT INTO jobs_jobrun (job_id, fencing_token, worker, last_seq, progress, current_step, log_bytes,
                             log_lines_cut, duplicates)
    SELECT id, 1, '', 3, CASE status WHEN 'completed' THEN 100 ELSE 0 END, '', 0, 0, 0
    FROM jobs_job j WHERE NOT EXISTS (SELECT 1 FROM jobs_jobrun r WHERE r.job_id = j.id)
    """,
    """
    INSERT INTO jobs_jobterm (term, created_at, job_id)
    SELECT t.hash, j.created_at, j.id
    FROM jobs_job j CROSS JOIN LATERAL jobs_texts(j.project_id, j.tags, j.error_code, j.error_message) t
    WHERE j.tags <> '{{}}' OR j.error_code <> ''
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO jobs_term (hash, project_id, kind, body)
    SELECT DISTINCT t.hash, j.project_id, t.kind, t.body
    FROM (
        SELECT DISTINCT project_id, tags, error_code, error_message FROM jobs_job
        WHERE tags <> '{{}}' OR error_code <> ''
    ) j CROSS JOIN LATERAL jobs_texts(j.project_id, j.tags, j.error_code, j.error_message) t
    WHERE NOT EXISTS (SELECT 1 FROM jobs_term known WHERE known.hash = t.hash)
    """,
    "SELECT setval(pg_get_serial_sequence('jobs_job', 'id'), (SELECT max(id) FROM jobs_job))",
    "ANALYZE inventory_project, inventory_repository",
)
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename IN ('jobs_job', 'jobs_jobterm', 'jobs_term')
        AND indexname NOT IN (SELECT conname FROM pg_constraint) AND indexname <> 'jobterm_hash'
"""


def write(connection: Any, jobs: int = JOBS, projects: int = PROJECTS) -> None:
    """Fill the database behind a superuser's psycopg connection in autocommit mode.

    Without triggers and foreign keys' checks, and with the indexes built afterwards: a minute instead of four.
    """
    indexes = connection.execute(INDEXES).fetchall()
    connection.execute("SET session_replication_role = replica")
    for name, _definition in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    for step in STEPS:
        connection.execute(sql.SQL(step).format(jobs=sql.Literal(jobs), projects=sql.Literal(projects)))
    for _name, definition in indexes:
        connection.execute(definition)
    connection.execute("RESET session_replication_role")
    connection.execute("VACUUM ANALYZE jobs_job, jobs_jobrun, jobs_jobterm, jobs_term")
