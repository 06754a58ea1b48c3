"""The limits within which a repository is read and analysed."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one analysis. Sizes in bytes, times in seconds. Each is a setting (docs/configuration.md)."""

    max_repository_bytes: int = 2048 * MIB
    """What a mirror, an unpacked archive or an imported folder may take on disk."""
    max_entries: int = 200_000
    """Files in one tree."""
    max_blob_bytes: int = 5 * MIB
    """A larger file is listed, with its size, and read by no engine."""
    max_archive_bytes: int = 512 * MIB
    """The compressed size of an archive."""
    max_archive_ratio: int = 200
    """Unpacked bytes per packed byte, over the whole archive, beyond which it is taken for a bomb."""
    max_path_bytes: int = 4096
    fetch_seconds: float = 300.0
    tool_seconds: float = 180.0
    """Wall time of one external tool run."""
    tool_cpu_seconds: int = 240
    memory_bytes: int = 400 * MIB
    """Resident memory of the engine process and of each tool; a watchdog ends what exceeds it."""
    max_findings: int = 50_000
    """Per engine; what is left out is said in the engine's detail."""
    max_history_commits: int = 50_000
    history_days: int = 365
    """How many days before the analysed commit count for people, pace and churn."""
    bus_factor_percent: int = 50
    """The share of changes by which the bus factor is counted; more than 100 counts as 100."""
    cache_bytes: int = 512 * MIB
    """The result cache on disk; least recently used results go first."""
