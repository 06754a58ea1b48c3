"""How a process that others wait for speaks to the broker: briefly, for whoever sends has something to do without it."""

from __future__ import annotations

BRIEFLY = {
    "socket_timeout": 0.8,
    "socket_connect_timeout": 0.8,
    "max_retries": 0,
}  # transport options; seconds
