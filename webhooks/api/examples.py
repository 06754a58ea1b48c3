"""What the description of the API shows as examples; a test holds them to the shapes."""

from __future__ import annotations

from webhooks.headers import MASK

ENDPOINT_INPUT = {
    "project": 1,
    "url": "https://hooks.example.com/command-center",
    "description": "The on-call bot",
    "events": ["analysis.failed", "finding.*"],
    "conditions": {"min_severity": "high"},
    "headers": {"Authorization": "Bearer 6f1c..."},
}
ENDPOINT = {
    "id": 2,
    **ENDPOINT_INPUT,
    "headers": {"Authorization": MASK},
    "rate_limit": None,
    "ordered": False,
    "timeout_seconds": 15,
    "enabled": True,
    "disabled_reason": "",
    "disabled_at": None,
    "failing_since": None,
    "given_up_at": None,
    "previous_secret_until": None,
    "created_by": 1,
    "created_at": "2026-11-30T14:20:00Z",
    "updated_at": "2026-11-30T14:20:00Z",
}
SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="  # noqa: S105  (nobody's)
ATTEMPT = {
    "number": 1,
    "started_at": "2026-11-30T14:20:00Z",
    "duration_ms": 84,
    "address": "203.0.113.7",
    "tls_peer": "hooks.example.com",
    "status": 503,
    "headers": {"content-type": "text/plain"},
    "body": "Back in a minute",
    "body_cut": False,
    "error": "http",
    "detail": "The receiver answered 503.",
}
DELIVERY = {
    "id": 41,
    "endpoint": 2,
    "event": 1207,
    "webhook_id": "01920e6b-5a3f-7c4e-9d2b-8f6a1c3e5d70",
    "type": "analysis.failed",
    "sequence": 17,
    "status": "pending",
    "attempts": 1,
    "scheduled_for": "2026-11-30T14:20:05Z",
    "last_status": 503,
    "last_error": "The receiver answered 503.",
    "created_at": "2026-11-30T14:20:00Z",
    "ended_at": None,
}
SOURCE_INPUT = {"repository": 3, "kind": "github", "branches": ["main", "release/*"]}
SOURCE = {
    "id": 4,
    "project": 1,
    **SOURCE_INPUT,
    "enabled": True,
    "address": "https://center.example.com/webhooks/github/3",
    "last_received_at": None,
    "previous_secret_until": None,
    "created_by": 1,
    "created_at": "2026-11-30T14:20:00Z",
    "updated_at": "2026-11-30T14:20:00Z",
}
RECEIVED = {
    "id": 12,
    "delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "event": "push",
    "branch": "main",
    "commit": "8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f",
    "outcome": "started",
    "reason": None,
    "detail": "",
    "job": 311,
    "received_at": "2026-11-30T14:20:00Z",
}
RECOVERY = {
    "id": 7,
    "endpoint": 2,
    "kind": "recovery",
    "status": ["pending", "exhausted"],
    "type": [],
    "since": "2026-11-30T06:00:00Z",
    "until": None,
    "state": "running",
    "sent": 3000,
    "made": 0,
    "error": None,
    "created_by": 1,
    "created_at": "2026-11-30T14:20:00Z",
    "started_at": "2026-11-30T14:20:00Z",
    "ended_at": None,
}
PUSH_AT_GITHUB = {
    "ref": "refs/heads/main",
    "after": "8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f",
    "deleted": False,
    "repository": {"default_branch": "main", "archived": False},
}
PUSH_AT_GITLAB = {
    "ref": "refs/heads/main",
    "after": "8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f8d9f",
    "project": {"default_branch": "main"},
}
STARTED = {
    "received": 12,
    "outcome": "started",
    "reason": None,
    "detail": "",
    "job": 311,
    "repeated": False,
}
