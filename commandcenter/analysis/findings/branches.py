"""The branch line that an analysis belongs to, and what happens when a repository's default branch becomes another.

A default branch under a name that nobody has analysed before is the old one renamed: its line takes the new name and
keeps its findings. One that has a line of its own takes over: its findings become those that others follow.
"""

from __future__ import annotations

from django.db import connection

from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import BranchLine
from commandcenter.inventory.models import Repository


def line_of(repository: Repository, name: str, *, is_default: bool) -> BranchLine:
    """Return the line of a branch, made or renamed where needed. Call it inside a transaction."""
    line = BranchLine.objects.filter(repository=repository, name=name).first()
    if line is not None and (line.is_default or not is_default):
        return line
    lock_repositories([repository.pk])
    if not is_default:
        return BranchLine.objects.get_or_create(repository=repository, name=name)[0]
    lines = {each.name: each for each in BranchLine.objects.select_for_update().filter(repository=repository)}
    line, default = lines.get(name), next((each for each in lines.values() if each.is_default), None)
    if line is None and default is not None:
        default.name = name
        default.save(update_fields=["name"])
        return default
    if line is None:
        return BranchLine.objects.create(repository=repository, name=name, is_default=True)
    if default is not None and default.pk != line.pk:
        _take_over(line, default)
    line.is_default = True
    line.save(update_fields=["is_default"])
    return line


def _take_over(line: BranchLine, default: BranchLine) -> None:
    """Let the findings of `line` be those whose decisions hold on every other branch."""
    default.is_default = False
    default.save(update_fields=["is_default"])  # first: a repository has one default line at any moment
    values = {"line": line.pk, "default": default.pk}
    with connection.cursor() as cursor:
        for statement in (_FOLLOW, _TURN, _OWN, _FORGET):
            cursor.execute(statement, values)


# What followed the old default follows the same finding on the new one.
_FOLLOW = """
UPDATE analysis_finding f SET counterpart_id = t.id
  FROM analysis_finding t
 WHERE t.branch_line_id = %(line)s AND t.counterpart_id IS NOT NULL AND f.counterpart_id = t.counterpart_id
   AND f.branch_line_id <> %(line)s
"""

_TURN = """
UPDATE analysis_finding d SET counterpart_id = t.id
  FROM analysis_finding t
 WHERE t.branch_line_id = %(line)s AND d.branch_line_id = %(default)s AND t.counterpart_id = d.id
"""

# What held here as the old default's is this branch's own decision now.
_OWN = """
UPDATE analysis_finding
   SET counterpart_id = NULL, decided = decided OR suppression_kind <> '', assigned = assigned OR assignee_id IS NOT NULL
 WHERE branch_line_id = %(line)s AND (counterpart_id IS NOT NULL OR suppression_kind <> '' OR assignee_id IS NOT NULL)
"""

_FORGET = """
UPDATE analysis_finding f SET counterpart_id = NULL
  FROM analysis_finding d
 WHERE d.branch_line_id = %(default)s AND f.counterpart_id = d.id
"""
