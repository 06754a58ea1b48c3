"""Random edit scripts over a small tree, real engine runs and the real database: what holds whatever is edited."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commandcenter.analysis.findings.identity import with_findings
from commandcenter.analysis.findings.states import TRANSITIONS, Event
from commandcenter.analysis.models import Analysis, Finding, FindingMove, FindingTransition, Occurrence
from commandcenter.analysis.tests import edits
from commandcenter.analysis.tests.factories import end, make_repository, make_user, start, tree_ref
from commandcenter.analysis.triage.suppress import suppress

pytestmark = pytest.mark.django_db

KEEPING = {"rename", "indent", "pad"}  # edits after which every finding is the one that it was
KINDS = [
    *sorted(KEEPING),
    "copy",
    "insert",
    "edit",
    "cut",
    "delete",
    "rework",
    "lose",
    "crash",
    "undo",
    "suppress",
]
STEP = st.tuples(
    st.sampled_from(["main", "main", "main", "topic"]),
    st.sampled_from(KINDS),
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(0, 3),
)
START: edits.Files = {"a.py": ["BAD one", "ok", "BAD two"], "lib/c.py": ["ok", "BAD one", "ok", "BAD one"]}


class Branch:
    """The files of one branch, and what the last whole analysis of it saw."""

    def __init__(self, files: edits.Files) -> None:
        self.files = files
        self.before: edits.Files | None = None  # the edit that "undo" takes back
        self.open_before: set[int] = set()
        self.seen: edits.Files | None = None  # what the last analysis saw, None when it was not whole
        self.analyses: list[Analysis] = []


class Script:
    """Plays an edit script and checks after each step."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.repository = make_repository()
        self.user = make_user(self.repository.project)
        self.branches = {"main": Branch(START)}
        self.analyse("main", "")

    def play(self, name: str, kind: str, one: int, two: int, three: int) -> None:
        branch = self.branches.setdefault(name, Branch(self.branches["main"].files))
        if kind == "suppress":
            ids = sorted(self.open(name))
            if ids:
                suppress([ids[one % len(ids)]], by=self.user, reason="x")
            return
        undone: set[int] | None = None
        if kind == "undo":
            if branch.before is None:
                return
            undone = branch.open_before if branch.seen == branch.files else None
            branch.files, branch.before = branch.before, None
        else:
            branch.before = branch.files if branch.seen == branch.files else None
            branch.open_before = self.open(name)
            branch.files = edits.edited(branch.files, kind, one, two, three)
        self.analyse(name, kind)
        if undone is not None and branch.seen is not None:
            assert self.open(name) == undone, "what is taken back leaves the same findings open"
        branch.files = {
            path: [line for line in lines if line not in {"LOST", "CRASH"}]
            for path, lines in branch.files.items()
        }

    def run(self, name: str) -> Analysis:
        files = self.branches[name].files
        asked_for = "" if name == "main" else name
        running = start(self.repository, tree_ref(ref=name), asked_for=asked_for)
        return end(running, edits.said(files, self.scratch))

    def analyse(self, name: str, kind: str) -> None:
        branch = self.branches[name]
        first = not branch.analyses
        whole_before, others = branch.seen is not None, self.rows(exclude=name)
        before = {row["id"]: row for row in self.rows(name)}
        analysis = self.run(name)
        after = {row["id"]: row for row in self.rows(name)}
        changes = list(FindingTransition.objects.filter(analysis=analysis).values())
        assert before.keys() <= after.keys(), "no row is ever lost"
        assert self.rows(exclude=name) == others, "other branches are untouched"
        for pk, row in before.items():
            for column in ("first_seen", "suppression_kind", "suppression_reason", "assignee_id", "decided"):
                assert after[pk][column] == row[column]
        self.transitions_are_legal(before, after, changes)
        status = {report["id"]: report["status"] for report in analysis.result_set.engines}["marks"]
        if status == "ok":
            self.whole(name, analysis, before, after, changes)
            if whole_before and not first and kind in KEEPING:
                assert changes == []
                assert opened(after) == opened(before)
            branch.seen = branch.files
        else:
            assert opened(before) <= opened(after), "an engine that failed or lost files closes nothing"
            branch.seen = None
        branch.analyses.append(analysis)
        self.earlier_analyses_still_find_theirs(branch)

    def whole(self, name: str, analysis: Analysis, before: Any, after: Any, changes: list[Any]) -> None:
        """Check conservation: what is open is what is there, and nothing comes or goes without being counted."""
        files = self.branches[name].files
        now = sorted((after[pk]["path"], after[pk]["start_line"]) for pk in opened(after))
        assert now == edits.places(files)
        came = [change for change in changes if change["to_state"] in {"new", "reopened"}]
        gone = [change for change in changes if change["to_state"] == "fixed"]
        if before:
            assert len(opened(before)) + len(came) - len(gone) == len(opened(after))
        delta = analysis.delta
        assert delta is not None
        assert delta["new"] + delta["reopened"] + delta["existing"] == len(now)
        assert (delta["new"] + delta["reopened"], delta["fixed"]) == (len(came), len(gone))
        assert delta["new_by_rule"] == delta["fixed_by_rule"] == 0
        again = self.run(name)
        assert not FindingTransition.objects.filter(analysis=again).exists(), (
            "an identical run changes nothing"
        )
        assert not FindingMove.objects.filter(analysis=again).exists()
        settled = self.rows(name)
        self.run(name)
        assert self.rows(name) == settled, "and from then on it writes no row"

    @staticmethod
    def transitions_are_legal(before: Any, after: Any, changes: list[Any]) -> None:
        for change in changes:
            pk, was = change["finding_id"], change["from_state"]
            assert was == (before[pk]["state"] if pk in before else "")
            steps = {step for (state, _), step in TRANSITIONS.items() if state == was and step.recorded}
            assert change["to_state"] in {step.to for step in steps}
            assert after[pk]["state"] == change["to_state"]
        moved = {change["finding_id"] for change in changes}
        silent = {state: {TRANSITIONS[state, event].to for event in Event} for state in ("new", "existing", "reopened", "fixed")}  # fmt: skip
        for pk in before.keys() - moved:
            assert after[pk]["state"] in silent[before[pk]["state"]]

    @staticmethod
    def earlier_analyses_still_find_theirs(branch: Branch) -> None:
        for analysis in branch.analyses[-4:]:
            seen = with_findings(analysis, Occurrence.objects.filter(result_set=analysis.result_set_id))
            ids = list(seen.values_list("finding_id", flat=True))
            assert None not in ids
            assert len(set(ids)) == len(ids), "each finding at most once"

    def rows(self, name: str = "", *, exclude: str = "") -> list[dict[str, Any]]:
        found = Finding.objects.filter(repository=self.repository).order_by("pk")
        if exclude:
            # The default branch may learn that others know a finding too; that is no change of theirs.
            kept = found.exclude(branch_line__name=exclude).values()
            return [{k: v for k, v in row.items() if k != "counterpart_id"} for row in kept]
        return [dict(row) for row in found.filter(branch_line__name=name).values()]

    def open(self, name: str) -> set[int]:
        return opened({row["id"]: row for row in self.rows(name)})


def opened(rows: Any) -> set[int]:
    return {pk for pk, row in rows.items() if row["state"] != "fixed"}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=st.lists(STEP, min_size=2, max_size=7))
def test_whatever_is_edited_findings_are_conserved_and_nothing_changes_without_cause(steps: Any) -> None:
    with tempfile.TemporaryDirectory() as made:
        script = Script(Path(made))
        for step in steps:
            script.play(*step)
