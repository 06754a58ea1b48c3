"""The default branches of projects with the result set that stands for each: of its last complete analysis.

Of its last partial one where no analysis was ever complete.
"""

from __future__ import annotations

CURRENT = """
WITH current AS MATERIALIZED (
    SELECT r.project_id, line.repository_id, coalesce(b.result_set_id, l.result_set_id) AS result_set_id,
           coalesce(b.completed_at, l.completed_at) AS seen_at
      FROM inventory_repository r
      JOIN analysis_branchline line ON line.repository_id = r.id AND line.is_default
      LEFT JOIN analysis_analysis b ON b.id = line.baseline_id
      LEFT JOIN analysis_analysis l ON l.id = line.latest_id
     WHERE r.project_id = ANY(%(projects)s) AND coalesce(b.result_set_id, l.result_set_id) IS NOT NULL
)
"""
"""The beginning of a statement that goes on with what it reads from `current`; `projects` is a list of ids."""
