"""The data of each event type: (description, JSON schema, example), public types first, audit types after.

Schemas name what consumers may rely on; more members are allowed, so that a publisher can add to them.
"""

from __future__ import annotations

from typing import Any

Entry = tuple[str, dict[str, Any], dict[str, Any]]

# Of types whose schema once took something back: a member, its type, or that it is always there. All others have 1.
VERSIONS: dict[str, int] = {}

ID: dict[str, Any] = {"type": "integer", "minimum": 1}
MAYBE_ID: dict[str, Any] = {"type": ["integer", "null"], "minimum": 1}
TEXT: dict[str, Any] = {"type": "string"}
MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
MAYBE_OBJECT: dict[str, Any] = {"type": ["object", "null"]}
SEVERITY: dict[str, Any] = {"enum": ["critical", "high", "medium", "low", "info"]}
ERROR: dict[str, Any] = {
    "type": ["object", "null"],
    "required": ["code", "message"],
    "properties": {"code": TEXT, "message": TEXT},
}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": sorted(required), "properties": {**(optional or {}), **required}}


_JOB = _object(
    {"job": ID, "job_type": TEXT, "status": TEXT},
    {"attempt": COUNT, "error": ERROR, "result": MAYBE_OBJECT, "created_by": MAYBE_ID, "reason": MAYBE_TEXT},
)
_JOB_EXAMPLE = {"job": 41, "job_type": "analysis", "status": "queued", "attempt": 0}
_ANALYSIS = _object(
    {"analysis": ID, "job": ID, "repository": ID, "status": TEXT},
    {
        "repository_name": TEXT,
        "ref": MAYBE_TEXT,
        "commit": MAYBE_TEXT,
        "summary": MAYBE_OBJECT,
        "error": ERROR,
    },
)
_ANALYSIS_EXAMPLE: dict[str, Any] = {
    "analysis": 7,
    "job": 41,
    "repository": 3,
    "repository_name": "billing",
    "status": "running",
    "ref": "main",
    "commit": "9fceb02d0ae598e95dc970b74767f19372d61af8",
}
_EXPORT = _object(
    {"job": ID, "format": TEXT},
    {
        "export": MAYBE_ID,
        "analyses": {"type": "array", "items": ID},
        "file_name": TEXT,
        "bytes": COUNT,
        "sha256": TEXT,
        "error": ERROR,
    },
)
_FINDING = _object(
    {"repository": ID, "analysis": ID},
    {
        "finding": ID,
        "fingerprint": TEXT,
        "rule_id": TEXT,
        "engine": TEXT,
        "severity": SEVERITY,
        "message": TEXT,
        "path": TEXT,
        "start_line": {"type": ["integer", "null"]},
        "findings": {"type": "array", "items": ID},
        "count": COUNT,
        "by_severity": {"type": "object", "additionalProperties": COUNT},
        # of those that came or went because a rule or an engine changed; the other members count the code's alone
        "by_rule": {
            "type": "object",
            "required": ["by_severity", "count", "findings"],
            "properties": {
                "count": COUNT,
                "by_severity": {"type": "object", "additionalProperties": COUNT},
                "findings": {"type": "array", "items": ID},
            },
        },
    },
)
_FINDING_EXAMPLE = {
    "repository": 3,
    "analysis": 7,
    "count": 2,
    "by_severity": {"high": 1, "low": 1},
    "findings": [90, 91],
}
_SCHEDULE = _object(
    {"schedule": ID, "name": TEXT}, {"scheduled_for": TEXT, "job": MAYBE_ID, "reason": MAYBE_TEXT}
)
_SCHEDULE_EXAMPLE = {"schedule": 6, "name": "Nightly"}
_BLACKOUT = _object(
    {"blackout": ID, "schedule": MAYBE_ID, "starts_at": TEXT, "ends_at": TEXT}, {"reason": MAYBE_TEXT}
)
_BLACKOUT_EXAMPLE = {
    "blackout": 2,
    "schedule": None,
    "starts_at": "2026-12-24T00:00:00+00:00",
    "ends_at": "2026-12-27T00:00:00+00:00",
    "reason": "Nobody is there",
}
_REPOSITORY = _object(
    {"repository": ID, "name": TEXT, "source": TEXT},
    {
        "default_branch": TEXT,
        "tags": {"type": "array", "items": TEXT},
        "changed": {"type": "array", "items": TEXT},
    },
)
_REPOSITORY_EXAMPLE = {"repository": 3, "name": "billing", "source": "https://git.example.com/billing.git"}
_ENDPOINT = _object({"endpoint": ID, "url": TEXT}, {"reason": MAYBE_TEXT})
_ENDPOINT_EXAMPLE = {"endpoint": 2, "url": "https://hooks.example.com/cc"}
_INBOUND = _object({"source": ID, "repository": ID, "kind": TEXT})
_INBOUND_EXAMPLE = {"source": 4, "repository": 3, "kind": "github"}
_TECHNOLOGY = _object({"technology": ID, "name": TEXT}, {"domain": TEXT, "status": TEXT})
_TECHNOLOGY_EXAMPLE = {"technology": 5, "name": "PostgreSQL", "domain": "database", "status": "integrated"}
_PROJECT = _object({"project": ID, "name": TEXT, "slug": TEXT})
_PROJECT_EXAMPLE = {"project": 1, "name": "Payments", "slug": "payments"}
_MEMBER = _object({"user": ID, "username": TEXT, "role": TEXT})
_MEMBER_EXAMPLE = {"user": 2, "username": "ada", "role": "operator"}
_POLICY = _object({"policy": ID, "name": TEXT}, {"enabled": {"type": "boolean"}})
_POLICY_EXAMPLE = {"policy": 3, "name": "default", "enabled": True}
_TOKEN = _object({"token": ID, "name": TEXT, "scope": TEXT})
_TOKEN_EXAMPLE = {"token": 4, "name": "ci", "scope": "read"}
_USER = _object({"user": ID, "username": TEXT})
_USER_EXAMPLE = {"user": 2, "username": "ada"}
_TRIAGE = _object(
    {"action": TEXT, "count": COUNT, "findings": {"type": "array", "items": ID}},
    {
        "repositories": {"type": "array", "items": ID},
        "comment": TEXT,
        "kind": MAYBE_TEXT,
        "reason": TEXT,
        "expires_at": MAYBE_TEXT,
        "assignee": MAYBE_ID,
    },
)
_TRIAGE_EXAMPLE = {
    "action": "suppressed",
    "count": 1,
    "findings": [90],
    "repositories": [3],
    "kind": "false_positive",
    "reason": "A test key.",
}
_WORKER = _object({"name": TEXT}, {"queues": {"type": "array", "items": TEXT}})
_WORKER_EXAMPLE = {"name": "analysis@host", "queues": ["analysis"]}
_QUEUE = _object({"name": TEXT}, {"reason": TEXT})
_QUEUE_EXAMPLE = {"name": "analysis", "reason": "the mirror host is down"}

PUBLIC: dict[str, Entry] = {
    "analysis.started": ("An analysis began.", _ANALYSIS, _ANALYSIS_EXAMPLE),
    "analysis.completed": (
        "An analysis ended with results, complete or partial.",
        _ANALYSIS,
        {**_ANALYSIS_EXAMPLE, "status": "complete", "summary": {"files": 120, "lines_of_code": 9400}},
    ),
    "analysis.failed": (
        "An analysis ended without results.",
        _ANALYSIS,
        {
            **_ANALYSIS_EXAMPLE,
            "status": "failed",
            "commit": None,
            "error": {"code": "source_unreachable", "message": "The host did not answer."},
        },
    ),
    "job.queued": ("A job waits for a worker.", _JOB, _JOB_EXAMPLE),
    "job.completed": ("A job did its work.", _JOB, {**_JOB_EXAMPLE, "status": "completed", "attempt": 1}),
    "job.failed": (
        "A job ended without doing its work.",
        _JOB,
        {
            **_JOB_EXAMPLE,
            "status": "failed",
            "attempt": 3,
            "error": {"code": "time_limit", "message": "The job ran for longer than 600 s."},
        },
    ),
    "job.cancelled": ("A job was cancelled.", _JOB, {**_JOB_EXAMPLE, "status": "cancelled", "attempt": 1}),
    "export.completed": (
        "A file is ready.",
        _EXPORT,
        {
            "export": 8,
            "job": 44,
            "format": "sarif",
            "analyses": [7],
            "file_name": "billing-9fceb02d0ae5.sarif",
            "bytes": 18240,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        },
    ),
    "export.failed": (
        "A file could not be made.",
        _EXPORT,
        {
            "export": 8,
            "job": 44,
            "format": "sarif",
            "analyses": [7],
            "error": {"code": "storage_full", "message": "The artifact storage has no room left."},
        },
    ),
    "finding.new": (
        "Findings appeared, or appeared again; `findings` names the worst of them.",
        _FINDING,
        _FINDING_EXAMPLE,
    ),
    "finding.fixed": ("Findings are gone; `findings` names the worst of them.", _FINDING, _FINDING_EXAMPLE),
    "policy.violated": (
        "An analysis broke a policy gate.",
        _object({"repository": ID, "analysis": ID}, {"policy": TEXT, "violations": {"type": "array"}}),
        {
            "repository": 3,
            "analysis": 7,
            "policy": "default",
            "violations": ["2 new findings of severity high"],
        },
    ),
    "schedule.fired": (
        "A schedule started its job.",
        _SCHEDULE,
        {"schedule": 6, "name": "Nightly", "scheduled_for": "2026-01-01T02:00:00Z", "job": 41},
    ),
    "schedule.missed": (
        "A schedule could not fire in time.",
        _SCHEDULE,
        {"schedule": 6, "name": "Nightly", "scheduled_for": "2026-01-01T02:00:00Z"},
    ),
    "schedule.disabled": (
        "A schedule was paused.",
        _SCHEDULE,
        {"schedule": 6, "name": "Nightly", "reason": "Maintenance"},
    ),
    "repository.created": ("A repository was registered.", _REPOSITORY, _REPOSITORY_EXAMPLE),
    "repository.updated": (
        "A repository was changed.",
        _REPOSITORY,
        {**_REPOSITORY_EXAMPLE, "changed": ["name"]},
    ),
    "repository.deleted": ("A repository was removed.", _REPOSITORY, _REPOSITORY_EXAMPLE),
    "technology.detected": (
        "An analysis found a technology that the repository did not use before.",
        _object({"repository": ID, "name": TEXT}, {"analysis": ID, "domain": TEXT, "technology": MAYBE_ID}),
        {"repository": 3, "analysis": 7, "name": "Redis", "domain": "database"},
    ),
    "technology.status_changed": (
        "A technology moved on the radar.",
        _object({"technology": ID, "name": TEXT, "from": TEXT, "to": TEXT}),
        {"technology": 5, "name": "PostgreSQL", "from": "evaluation", "to": "integrated"},
    ),
    "endpoint.disabled": (
        "A webhook endpoint was switched off.",
        _ENDPOINT,
        {**_ENDPOINT_EXAMPLE, "reason": "It failed for five days."},
    ),
    "endpoint.failing": (
        "A webhook endpoint has only failed for a day, and once more a day before it is given up.",
        _object({"endpoint": ID, "url": TEXT, "failing_since": TEXT, "disabled_at": TEXT}),
        {
            **_ENDPOINT_EXAMPLE,
            "failing_since": "2026-01-01T02:00:00Z",
            "disabled_at": "2026-01-06T02:00:00Z",
        },
    ),
    "endpoint.test": (
        "A test, sent on request to one endpoint.",
        _ENDPOINT,
        _ENDPOINT_EXAMPLE,
    ),
}

AUDIT: dict[str, Entry] = {
    "project.created": ("A project was made.", _PROJECT, _PROJECT_EXAMPLE),
    "project.updated": ("A project was changed.", _PROJECT, _PROJECT_EXAMPLE),
    "project.deleted": ("A project and all in it were removed.", _PROJECT, _PROJECT_EXAMPLE),
    "member.added": ("Someone got a role in a project.", _MEMBER, _MEMBER_EXAMPLE),
    "member.changed": ("Someone's role changed.", _MEMBER, _MEMBER_EXAMPLE),
    "member.removed": ("Someone lost their role.", _MEMBER, _MEMBER_EXAMPLE),
    "technology.created": ("A technology was added.", _TECHNOLOGY, _TECHNOLOGY_EXAMPLE),
    "technology.updated": ("A technology was changed.", _TECHNOLOGY, _TECHNOLOGY_EXAMPLE),
    "technology.deleted": ("A technology was removed.", _TECHNOLOGY, _TECHNOLOGY_EXAMPLE),
    "policy.created": ("A project got a policy.", _POLICY, _POLICY_EXAMPLE),
    "policy.updated": ("A policy was changed.", _POLICY, _POLICY_EXAMPLE),
    "policy.deleted": ("A policy was removed.", _POLICY, _POLICY_EXAMPLE),
    "token.created": ("An API token was made.", _TOKEN, _TOKEN_EXAMPLE),
    "token.renamed": ("An API token got another name.", _TOKEN, _TOKEN_EXAMPLE),
    "token.revoked": ("An API token was revoked.", _TOKEN, _TOKEN_EXAMPLE),
    "user.created": ("A user was added.", _USER, _USER_EXAMPLE),
    "user.updated": ("A user was changed.", _USER, _USER_EXAMPLE),
    "user.deactivated": ("A user can no longer sign in.", _USER, _USER_EXAMPLE),
    "finding.suppressed": ("Someone decided to leave findings as they are.", _TRIAGE, _TRIAGE_EXAMPLE),
    "finding.unsuppressed": (
        "Suppressed findings count again.",
        _TRIAGE,
        {**_TRIAGE_EXAMPLE, "action": "reopened"},
    ),
    "finding.suppression_expired": (
        "Suppressions ended by themselves.",
        _TRIAGE,
        {**_TRIAGE_EXAMPLE, "action": "expired"},
    ),
    "finding.assigned": (
        "Findings were given to someone, or to nobody.",
        _TRIAGE,
        {"action": "assigned", "count": 1, "findings": [90], "repositories": [3], "assignee": 2},
    ),
    "finding.commented": (
        "Someone said something about findings.",
        _TRIAGE,
        {"action": "commented", "count": 1, "findings": [90], "comment": "Seen by the team."},
    ),
    "schedule.created": ("A schedule was made.", _SCHEDULE, _SCHEDULE_EXAMPLE),
    "schedule.updated": ("A schedule was changed.", _SCHEDULE, _SCHEDULE_EXAMPLE),
    "schedule.enabled": ("A paused schedule runs again.", _SCHEDULE, _SCHEDULE_EXAMPLE),
    "schedule.deleted": ("A schedule was removed.", _SCHEDULE, _SCHEDULE_EXAMPLE),
    "blackout.created": ("A blackout was made: nothing runs by itself then.", _BLACKOUT, _BLACKOUT_EXAMPLE),
    "blackout.updated": ("A blackout was changed.", _BLACKOUT, _BLACKOUT_EXAMPLE),
    "blackout.deleted": ("A blackout was removed.", _BLACKOUT, _BLACKOUT_EXAMPLE),
    "endpoint.created": ("A webhook endpoint was made.", _ENDPOINT, _ENDPOINT_EXAMPLE),
    "endpoint.updated": ("A webhook endpoint was changed.", _ENDPOINT, _ENDPOINT_EXAMPLE),
    "endpoint.enabled": ("A webhook endpoint was switched on again.", _ENDPOINT, _ENDPOINT_EXAMPLE),
    "endpoint.deleted": ("A webhook endpoint was removed.", _ENDPOINT, _ENDPOINT_EXAMPLE),
    "endpoint.secret_rotated": ("A webhook endpoint got another secret.", _ENDPOINT, _ENDPOINT_EXAMPLE),
    "inbound.created": ("A code host may tell of pushes.", _INBOUND, _INBOUND_EXAMPLE),
    "inbound.updated": ("What a code host may tell of was changed.", _INBOUND, _INBOUND_EXAMPLE),
    "inbound.deleted": ("A code host may no longer tell of pushes.", _INBOUND, _INBOUND_EXAMPLE),
    "inbound.secret_rotated": ("A code host got another secret.", _INBOUND, _INBOUND_EXAMPLE),
    "endpoint.recovered": (
        "What a webhook endpoint missed since a time is sent to it.",
        _ENDPOINT,
        _ENDPOINT_EXAMPLE,
    ),
    "endpoint.resent": ("Deliveries of a webhook endpoint are sent again.", _ENDPOINT, _ENDPOINT_EXAMPLE),
    "endpoint.resending_cancelled": (
        "Deliveries of a webhook endpoint are no longer sent again.",
        _ENDPOINT,
        _ENDPOINT_EXAMPLE,
    ),
    "schedule.backfilled": (
        "Past runs of a schedule are made up for, or no longer.",
        _SCHEDULE,
        {**_SCHEDULE_EXAMPLE, "reason": "12 waiting runs cancelled."},
    ),
    "schedule.overran": (
        "A run of a schedule takes much longer than usual.",
        _SCHEDULE,
        {**_SCHEDULE_EXAMPLE, "job": 41, "reason": "It has run for 40 min; usual are 8 min."},
    ),
    "export.linked": (
        "Someone made a link to a file that works without signing in.",
        _object({"export": ID, "expires_at": TEXT}),
        {"export": 8, "expires_at": "2026-01-01T02:00:00+00:00"},
    ),
    "worker.drained": ("A worker ends what it runs and takes nothing new.", _WORKER, _WORKER_EXAMPLE),
    "worker.resumed": ("A drained worker takes jobs again.", _WORKER, _WORKER_EXAMPLE),
    "queue.paused": ("A queue was paused: none of its jobs starts.", _QUEUE, _QUEUE_EXAMPLE),
    "queue.resumed": ("The jobs of a queue start again.", _QUEUE, _QUEUE_EXAMPLE),
}
