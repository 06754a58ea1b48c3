"""The import of kind `advisories`: a dump that an operator of the machine has laid into CC_ADVISORIES_DIR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from commandcenter.advisories.dump import BadDump
from commandcenter.advisories.ecosystems import OSV_NAMES, ecosystem_of
from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.matching import CHUNK, match_chunk
from commandcenter.advisories.models import AdvisoryImport, PackageVersion
from commandcenter.advisories.telling import tell_matched
from commandcenter.inventory.models import Project
from jobs.exceptions import FieldError, InvalidParameters, JobFailed
from jobs.handlers import JobRunContext, Scope

KNOWN = ("path", "ecosystem")
READ = 80  # percent; matching is the rest


class AdvisoryImportHandler:
    """Imports a dump, then matches the packages that it touched. Running it again does what is left."""

    queue = "default"

    def validate(self, given: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return {path, ecosystem}; raise InvalidParameters."""
        errors: list[FieldError] = []

        def wrong(field: str, code: str, message: str) -> None:
            errors.append({"field": f"parameters.{field}", "code": code, "message": message})

        for name in sorted(str(name) for name in given.keys() - set(KNOWN)):
            wrong(name[:60], "unknown", f"An import of advisories takes {', '.join(KNOWN)} and nothing else.")
        path, ecosystem = given.get("path"), given.get("ecosystem") or ""
        if not isinstance(path, str) or not path:
            wrong("path", "required", "Name the dump: a zip or folder in the folder for advisories.")
        elif _dump(path) is None:
            wrong("path", "unknown", "The folder for advisories (CC_ADVISORIES_DIR) holds no such dump.")
        chosen = ecosystem_of(ecosystem) if isinstance(ecosystem, str) else None
        if ecosystem and chosen is None:
            wrong("ecosystem", "invalid_choice", f"Use one of: {', '.join(OSV_NAMES.values())}.")
        if errors:
            raise InvalidParameters(errors)
        return {"path": path, "ecosystem": chosen or ""}

    def scope(self, given: dict[str, Any]) -> Scope:
        """Let one import run at a time: two at once would only wait for each other's batches."""
        return Scope(exclusive="import:advisories")

    def run(self, run: JobRunContext) -> None:
        """Do the import; the job's result is its account."""
        path = _dump(run.parameters["path"])
        if path is None:
            raise JobFailed("source_not_found", "The dump is no longer in the folder for advisories.")

        def progress(share: float, row: AdvisoryImport) -> None:
            run.progress(int(READ * share), f"Read {row.read:,} records")

        try:
            done = import_dump(
                path,
                ecosystem=run.parameters["ecosystem"],
                progress=progress,
                shown=run.parameters["path"],
            )
        except BadDump as error:
            raise JobFailed("source_invalid", str(error)) from error
        for bad in done.bad_records[:20]:
            run.log("warning", f"{bad['name']}: {bad['reason']}", "advisories")
        matched = _match(run)
        tell_matched()
        run.progress(99, "Completing")
        with run.commit({**account(done), "matched": matched}):
            pass


def account(done: AdvisoryImport) -> dict[str, Any]:
    """Return what an import did."""
    names = ("read", "added", "changed", "unchanged", "outdated", "skipped", "withdrawn", "bad")
    newest = done.newest_modified
    return {
        "import": done.pk,
        **{name: getattr(done, name) for name in names},
        "newest_modified": newest.isoformat() if newest else None,
    }


def _match(run: JobRunContext) -> int:
    total = PackageVersion.objects.filter(stale=True).count()
    done = 0
    while count := match_chunk():
        done += count
        share = min(1.0, done / total) if total else 1.0
        run.progress(READ + int((98 - READ) * share), f"Matched {done:,} package versions")
        if count < CHUNK:
            break
    return done


def _dump(name: str) -> Path | None:
    """Return the dump of this name within the folder for advisories; None where there is none."""
    if "\0" in name or len(name) > 500:
        return None
    root = Path(settings.ADVISORIES_DIR).resolve()
    try:
        path = (root / name).resolve()
        there = path.is_relative_to(root) and (path.is_dir() or path.is_file())
    except (OSError, RuntimeError, ValueError):  # such as a name that is too long
        return None
    return path if there else None
