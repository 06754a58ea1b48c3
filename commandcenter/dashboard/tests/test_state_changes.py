"""How changes of a job's state are worded for people."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.dashboard.state_changes import details
from commandcenter.dashboard.templatetags.job_words import job_links, state_words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"from": None, "to": "pending", "reason": "created"}, "Pending"),
        ({"from": "queued", "to": "running", "attempt": 2, "reason": "claimed"}, "Running, attempt 2"),
        ({"from": "running", "to": "queued", "reason": "worker_lost"}, "Queued again: the worker was lost"),
        (
            {"from": "running", "to": "queued", "reason": "worker_stopped"},
            "Queued again: the worker was stopped",
        ),
        (
            {"from": "queued", "to": "cancelled", "reason": "batch_cancelled"},
            "Cancelled: its batch was cancelled",
        ),
        ({"from": "running", "to": "failed", "reason": "children_failed"}, "Failed: no child completed"),
        ({"from": "running", "to": "failed", "reason": "storage_full"}, "Failed: storage full"),
        ({"from": "running", "to": "completed", "reason": "completed"}, "Completed"),
    ],
)
def test_a_change_says_what_it_became_and_why(data: dict[str, Any], words: str) -> None:
    assert state_words(data) == words


@pytest.mark.parametrize(
    ("data", "sentences"),
    [
        ({"worker": "one@host:7"}, ["On one@host:7."]),
        ({"worker_lost": "one@host:7"}, ["Nothing was heard of one@host:7 any more."]),
        (
            {"error": {"code": "x", "message": "The source is away."}, "delay_seconds": 30},
            ["The source is away.", "Tried again after 30 s."],
        ),
        (
            {"by": "ada", "receipts": [{"pids": [41, 42], "signal": "SIGKILL", "seconds": 0.254}]},
            ["By ada.", "Ended 2 processes (41, 42) by SIGKILL in 0.25 s."],
        ),
        ({"receipts": [{"pids": [7], "signal": "SIGKILL"}]}, ["Ended 1 process (7) by SIGKILL."]),
        ({"receipts": [{"pids": [], "signal": "SIGKILL"}]}, ["No process of it was left to end."]),
        (
            {"receipts": [{"error": "OSError"}], "unwound": False},
            [
                "Its processes may not all have ended (OSError).",
                "Its code did not notice in time; its process was ended.",
            ],
        ),
        ({"receipts": "nonsense"}, []),
    ],
)
def test_what_was_done_is_said_in_sentences(data: dict[str, Any], sentences: list[str]) -> None:
    assert details(data) == sentences


def test_of_many_processes_the_first_are_named() -> None:
    (sentence,) = details({"receipts": [{"pids": list(range(100)), "signal": "SIGKILL", "seconds": 1.0}]})
    assert sentence == "Ended 100 processes (0, 1, 2, 3, 4, 5, 6, 7 and 92 more) by SIGKILL in 1.00 s."


def test_jobs_that_a_sentence_names_are_linked_and_the_rest_is_escaped() -> None:
    assert job_links("<b> waits for job #7.") == '&lt;b&gt; waits for job <a href="/jobs/7/">#7</a>.'
