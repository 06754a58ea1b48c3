"""SARIF 2.1.0: one run per engine that reports findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from commandcenter.core.renderers import to_json
from exports.formats import sarif_github
from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.formats.sarif_results import result
from exports.formats.sarif_runs import Run, compared, runs_of
from exports.options import Option, Options
from exports.writing import gathered

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
PORTION = 100  # results that are encoded at once


class Sarif(Format):
    """For code scanning of forges, and for editors."""

    info = FormatInfo(
        id="sarif",
        name="SARIF 2.1.0",
        media_type="application/sarif+json",
        extension="sarif",
        use="Code scanning of forges, editors and other tools that read findings.",
        limits="Findings only; metrics, dependencies and technologies are left out. With profile=github: 20 runs, "
        "25,000 results a run and 10 MB after gzip, worst first, without fixed and suppressed findings.",
        options=(
            Option(
                "profile",
                ("full", "github"),
                "full: every finding. github: what GitHub's code scanning takes, the worst first; "
                "the file says what was left out.",
            ),
        ),
    )

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the log file."""
        runs = sarif_github.runs(source) if options["profile"] == "github" else _runs(source)
        return gathered(_document(runs))


def _document(runs: Iterable[bytes]) -> Iterator[bytes]:
    yield b'{"$schema":' + to_json(SCHEMA) + b',"version":"2.1.0","runs":['
    yield from runs
    yield b"]}"


def _runs(source: ExportSource) -> Iterator[bytes]:
    """Yield every run with every result."""
    separator = b""
    for run in runs_of(source):
        yield separator + to_json(run.head())[:-1] + b',"results":['
        yield from _results(source, run)
        yield b"]," + to_json(run.tail())[1:]
        separator = b","


def _results(source: ExportSource, run: Run) -> Iterator[bytes]:
    told = compared(source)
    # Without a baseline there is nothing that a result could be absent from.
    rows = chain(source.sightings(run.places), source.closed(run.places) if told else ())
    results = (result(seen, run.places, compared=told) for seen in rows)
    separator = b""
    while portion := list(islice(results, PORTION)):
        yield separator + to_json(portion)[1:-1]
        separator = b","
