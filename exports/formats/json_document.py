"""Everything of one analysis as JSON; its schema is exports/schemas/analysis-1.json."""

from __future__ import annotations

from collections.abc import Iterator

from commandcenter.analysis.results.shapes import flat
from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.options import Options
from exports.writing import gathered, object_with_arrays

FORMAT = "commandcenter.analysis"
VERSION = "1.0"  # a member more raises the second number, any other change the first


class Json(Format):
    """For scripts, and for keeping."""

    info = FormatInfo(
        id="json",
        name="JSON",
        media_type="application/json",
        extension="json",
        use="Scripts and archives: all that is known of the analysis, in one document with a versioned schema.",
        limits="None.",
    )

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the document."""
        project, repository = source.project, source.repository
        head = {
            "format": FORMAT,
            "version": VERSION,
            "project": {"id": project.pk, "name": project.name, "slug": project.slug},
            "repository": {"id": repository.pk, "name": repository.name, "source": source.address},
            "analysis": source.summary(),
        }
        return gathered(
            object_with_arrays(
                head,
                {
                    "rules": ({k: v for k, v in flat(rule).items() if k != "id"} for rule in source.rules),
                    "findings": map(flat, source.findings()),
                    "dependencies": map(flat, source.dependencies()),
                    "technologies": map(flat, source.technologies()),
                    "files": map(flat, source.files()),
                    "functions": source.functions(),
                },
            )
        )
