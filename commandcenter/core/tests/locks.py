"""What a test asks of locks."""

from __future__ import annotations

# Whether a session of this database waits for another one's lock. Those of other databases are other tests': they share
# the server. Asked of pg_locks, of which a transaction keeps no picture.
WAITING = """
    SELECT EXISTS (
        SELECT FROM pg_locks waiting JOIN pg_locks known USING (pid)
        WHERE NOT waiting.granted
            AND known.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""
