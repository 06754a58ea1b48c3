"""OSV records of invented packages, and the means to write them as dumps."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from commandcenter.advisories.models import PackageVersion

HIGH = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}  # 7.5
CRITICAL = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}  # 9.8


def affected(
    ecosystem: str,
    name: str,
    *events: Mapping[str, str],
    versions: Iterable[str] = (),
    kind: str = "ECOSYSTEM",
    **more: Any,
) -> dict[str, Any]:
    """What a record says of one package; `events` make one range."""
    made: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": name}, **more}
    if events:
        made["ranges"] = [{"type": kind, "events": list(events)}]
    if versions:
        made["versions"] = list(versions)
    return made


def record(osv_id: str, *packages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "schema_version": "1.7.0",
        "id": osv_id,
        "modified": "2026-03-01T00:00:00Z",
        "published": "2026-02-01T00:00:00Z",
        "summary": f"What {osv_id} says",
        "affected": list(packages),
        **fields,
    }


def since(introduced: str, fixed: str | None = None, **more: str) -> list[dict[str, str]]:
    """Events of one range."""
    events = [{"introduced": introduced}]
    if fixed is not None:
        events.append({"fixed": fixed})
    return [*events, *({name: value} for name, value in more.items())]


def write_zip(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in records:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
    return path


def write_folder(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for each in records:
        (path / f"{each['id']}.json").write_text(json.dumps(each))
    return path


def use(ecosystem: str, name: str, version: str) -> PackageVersion:
    """Register a package as an analysis would."""
    made, _ = PackageVersion.objects.get_or_create(
        purl=f"pkg:{ecosystem}/{name}@{version}",
        defaults={"ecosystem": ecosystem, "spelling": name, "version": version},
    )
    return made
