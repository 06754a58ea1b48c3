"""How states and severities look on every page."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """Colour, icon and word together: a state is never shown by its colour alone."""

    tone: str
    icon: str
    word: str
    motion: str = ""


STATUS = {
    # jobs and analyses
    "pending": Look("", "clock", "Pending"),
    "queued": Look("warn", "clock", "Queued"),
    "running": Look("live", "running", "Running", "spin"),
    "completed": Look("good", "check", "Completed"),
    "complete": Look("good", "check", "Complete"),
    "partial": Look("warn", "partial", "Partial"),
    "failed": Look("bad", "cross", "Failed"),
    "cancelled": Look("", "stop", "Cancelled"),
    "expired": Look("", "clock", "Expired"),
    # deliveries of exports
    "sending": Look("live", "running", "Sending", "spin"),
    "succeeded": Look("good", "check", "Delivered"),
    # deliveries of webhooks
    "leased": Look("live", "running", "In flight", "spin"),
    "waiting": Look("warn", "clock", "Waiting"),
    "exhausted": Look("bad", "cross", "Exhausted"),
    "held": Look("warn", "pause", "Held"),
    # engines and services
    "ok": Look("good", "check", "Ok"),
    "skipped": Look("", "stop", "Skipped"),
    "unavailable": Look("warn", "alert", "Unavailable"),
    # workers
    "live": Look("good", "check", "Live"),
    "draining": Look("warn", "pause", "Draining"),
    "stopping": Look("warn", "stop", "Stopping"),
    "lost": Look("bad", "alert", "Lost"),
    "stopped": Look("", "stop", "Stopped"),
    # queues
    "open": Look("good", "check", "Open"),
    "paused": Look("warn", "pause", "Paused"),
    "unserved": Look("bad", "alert", "No worker"),
    "overdue": Look("bad", "alert", "Overdue"),
    # policies
    "passed": Look("good", "check", "Passed"),
    "unknown": Look("warn", "info", "Unknown"),
    # repositories
    "stale": Look("warn", "clock", "Stale"),
    "never_run": Look("", "dot", "Never analysed"),
    # checks of good practice
    "gap": Look("warn", "alert", "Gap"),
    "not_applicable": Look("", "stop", "Not applicable"),
    # rings of the radar
    "adopt": Look("good", "check", "Adopt"),
    "trial": Look("live", "play", "Trial"),
    "assess": Look("", "dot", "Assess"),
    "hold": Look("warn", "pause", "Hold"),
    # licences
    "conflict": Look("bad", "alert", "Conflict"),
    # findings
    "new": Look("warn", "plus", "New"),
    "existing": Look("", "dot", "Existing"),
    "reopened": Look("bad", "retry", "Reopened"),
    "fixed": Look("good", "check", "Fixed"),
}
SEVERITY = {
    "critical": Look("critical", "alert", "Critical"),
    "high": Look("bad", "alert", "High"),
    "medium": Look("warn", "alert", "Medium"),
    "low": Look("live", "info", "Low"),
    "info": Look("", "info", "Info"),
}
FIRING = {  # what became of a run of a schedule
    "waiting": Look("warn", "clock", "Waiting"),
    "started": Look("live", "running", "Running", "spin"),
    "succeeded": Look("good", "check", "Succeeded"),
    "failed": Look("bad", "cross", "Failed"),
    "cancelled": Look("", "stop", "Cancelled"),
    "skipped": Look("", "stop", "Skipped"),
    "missed": Look("warn", "alert", "Missed"),
    "refused": Look("bad", "alert", "Refused"),
}
HEALTH = {  # how a schedule fares
    "healthy": Look("good", "check", "Healthy"),
    "late": Look("warn", "clock", "Late"),
    "failing": Look("bad", "cross", "Failing"),
    "never_run": Look("", "dot", "Never run"),
    "paused": Look("warn", "pause", "Paused"),
}
ENDPOINT = {  # how an endpoint of webhooks fares
    "disabled": Look("", "pause", "Disabled"),
    "open": Look("bad", "alert", "Circuit open"),
    "failing": Look("warn", "alert", "Failing"),
    "unused": Look("", "dot", "Not used yet"),
    "healthy": Look("good", "check", "Healthy"),
}
