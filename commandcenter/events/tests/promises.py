"""What consumers of events were promised: `python -m commandcenter.events.tests.promises` writes it down as it is now.

Do that for new types and members, and when a version has been raised; a test sees what was taken back without that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commandcenter.events.catalogue import EventType, public_types

FILE = Path(__file__).with_name("promised.json")
Promise = dict[str, Any]


def promise(each: EventType) -> Promise:
    """Return what is promised of a type: its members, and which of them are always there."""
    return {
        "version": each.version,
        "always": sorted(each.schema["required"]),
        "members": each.schema["properties"],
    }


def promised() -> dict[str, Promise]:
    """Return what was promised, by type."""
    found: dict[str, Promise] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def broken(kept: Promise, now: EventType) -> Iterator[str]:
    """Yield what was taken back without another version."""
    if now.version != kept["version"]:
        if now.version < kept["version"]:
            yield f"{now.name}: version {kept['version']} became {now.version}."
        return
    for name in kept["always"]:
        if name not in now.schema["required"]:
            yield f"{now.name}: {name} is no longer always there."
    for name, schema in kept["members"].items():
        if now.schema["properties"].get(name) != schema:
            yield f"{now.name}: {name} is another thing now."


if __name__ == "__main__":
    lines = {each.name: promise(each) for each in public_types()}
    FILE.write_text(json.dumps(lines, indent=1, sort_keys=True) + "\n", encoding="utf-8")
