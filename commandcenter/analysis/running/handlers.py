"""The job type `analysis`: open the source, run the engines or share what they found before, compare, tell."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict
from typing import Any, cast

import orjson
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from commandcenter.analysis import engines, sources
from commandcenter.analysis.findings import correlation
from commandcenter.analysis.models import Analysis, AnalysisStatus, ResultSet
from commandcenter.analysis.results.ingest import Ingest
from commandcenter.analysis.results.sharing import UnfinishedResults, find_shared, hold
from commandcenter.analysis.rules import catalogue
from commandcenter.analysis.running import ledger, parameters
from commandcenter.analysis.running.settle import mark_attempt
from commandcenter.core.connections import reconnect_if_lost
from commandcenter.engine.correlation import Correlator
from commandcenter.engine.errors import EngineCancelled, EngineError
from commandcenter.engine.source.model import TreeRef
from commandcenter.inventory.models import Project, Repository
from jobs.exceptions import InvalidParameters, JobCancelled, JobFailed, LeaseLost, Stopped, WorkerStopping
from jobs.handlers import JobRunContext, Scope
from jobs.models import Job

OPENED, RAN, SAVED = 10, 92, 96  # percent
SILENCE_SECONDS = 60.0  # beyond the longest tool run, after which an engine process counts as stuck


STEPS = {
    # what an engine does, in the words of the progress bar
    "language": "Recognising languages",
    "lines": "Counting lines",
    "functions": "Measuring functions",
    "manifests": "Reading manifests and lock files",
    "technologies": "Detecting technologies",
    "gaps": "Looking for what is missing",
    "licenses": "Recognising licences",
    "secrets": "Looking for secrets",
    "ruff": "Checking Python",
    "astgrep": "Looking for dangerous code",
    "zizmor": "Checking GitHub workflows",
    "hadolint": "Checking Dockerfiles",
    "shellcheck": "Checking shell scripts",
    "semgrep": "Checking with semgrep's rules",
    "jscpd": "Looking for repeated code",
    "history": "Reading the history",
}


class AnalysisHandler:
    """Analyses one ref of one repository. A second attempt uses the same Analysis row and starts over."""

    queue = "analysis"

    def validate(self, given: dict[str, Any], *, project: Project) -> dict[str, Any]:
        """Return {repository, ref, force}; raise InvalidParameters."""
        return parameters.cleaned(given, project=project)

    def scope(self, given: dict[str, Any]) -> Scope:
        """Work on one repository; of each ref one analysis runs at a time, the default branch by its name or without."""
        return _scope(given, parameters.look_up([given]) if given["ref"] else {})

    def validate_many(
        self, asked: Sequence[tuple[dict[str, Any], Project]]
    ) -> list[tuple[dict[str, Any], Scope] | InvalidParameters]:
        """Do as `validate` and `scope` do, with one look at the repositories of all."""
        known = parameters.look_up(given for given, _project in asked)
        found: list[tuple[dict[str, Any], Scope] | InvalidParameters] = []
        for given, project in asked:
            try:
                valid = parameters.cleaned(given, project=project, known=known)
                found.append((valid, _scope(valid, known)))
            except InvalidParameters as error:
                found.append(error)
        return found

    def run(self, run: JobRunContext) -> None:
        """Do the analysis; the job's result is a short account of it."""
        repository = (
            Repository.objects.select_related("project")
            .filter(pk=run.parameters["repository"], project_id=run.project_id)
            .first()
        )
        if repository is None:
            raise JobFailed("repository_deleted", "The repository was deleted before its analysis began.")
        analysis = ledger.begin(Job.objects.get(pk=run.job_id), repository, run.parameters["ref"])
        with _failures(run, analysis):
            _Work(run, analysis, repository).do()


def _scope(given: dict[str, Any], known: Mapping[int, parameters.Known]) -> Scope:
    """Return what an analysis works on; a ref that is the repository's default branch is the same as none."""
    repository, ref = given["repository"], given["ref"]
    default = not ref or (repository in known and known[repository].default_branch == ref)
    part = "default" if default else hashlib.sha256(ref.encode()).hexdigest()[:32]
    return Scope(repository, f"analysis:{repository}:{part}")


class _Work:
    """One attempt."""

    def __init__(self, run: JobRunContext, analysis: Analysis, repository: Repository) -> None:
        self._run = run
        self._analysis = analysis
        self._repository = repository
        self._force = bool(run.parameters["force"])
        self._stopped = threading.Event()
        run.on_cancel(self._stop)

    def _stop(self) -> None:
        self._stopped.set()

    def do(self) -> None:
        run = self._run
        run.progress(0, f"Fetching {self._repository.name}")
        tree = self._open()
        reconnect_if_lost()  # fetching may have taken minutes
        ledger.locate(self._analysis, tree, asked_for=run.parameters["ref"])
        run.log(
            "info", f"Read {tree.ref or 'the source'} at {tree.commit[:12]}: {tree.entries} files.", "source"
        )
        run.progress(OPENED, "Looking for stored results")
        planned = engines.planned_engines()
        correlator = correlation.correlator()
        if not correlator.key:
            run.log("warning", correlation.UNREADABLE, "secrets")
        key = result_key(tree, planned.digest, correlator.key_id)
        shared = None if self._force else find_shared(self._repository.pk, key)
        if shared is not None:
            run.log(
                "info", f"Nothing has changed since the results of {shared.created_at:%Y-%m-%d %H:%M} UTC."
            )
            self._end(tree, lambda: hold(shared), correlator)
            return
        catalogue.synchronise_for(planned.engines)
        ingest = Ingest(
            self._repository,
            job=Job(pk=run.job_id),
            attempt=run.attempt,
            key=key,
            commit=tree.commit,
            tree=tree.tree,
        )
        try:
            self._analyse(tree, planned.ids, correlator, ingest)
            self._end(tree, lambda: ingest.finish(force=self._force), correlator)
        except LeaseLost:
            raise  # what is left belongs to the attempt that took over, which removes it
        except Exception:
            # An exception out of a signal may have left a query half read; what cannot be removed now is removed
            # when the job's end is settled, or by the next attempt.
            with suppress(DatabaseError, InterfaceError):
                ingest.discard()
            raise

    def _open(self) -> TreeRef:
        """Open the source; when that is cancelled, what was ended for it belongs to the receipts of the attempt."""
        try:
            return sources.open_repository(
                self._repository,
                self._run.parameters["ref"],
                progress=self._fetching,
                cancelled=self._stopped.is_set,
            )
        except EngineCancelled as cancelled:
            if cancelled.receipt is not None:
                receipt = asdict(cancelled.receipt)
                self._run.on_cancel(lambda: receipt)
            raise

    def _fetching(self, step: str) -> None:
        self._run.progress(2, step)

    def _analyse(self, tree: TreeRef, planned: list[str], correlator: Correlator, ingest: Ingest) -> None:
        run = self._run
        with engines.lend_process() as process:
            run.on_cancel(lambda: asdict(process.kill()))
            run.raise_if_cancelled()
            silence = settings.ENGINE_LIMITS.tool_seconds + SILENCE_SECONDS
            said = process.analyse(
                tree.git_dir,
                tree.commit,
                engines=planned,
                force=self._force,
                idle_seconds=silence,
                correlator=correlator,
            )
            # A generator, which must end its process at once when it is given up half-way.
            with closing(cast("Generator[Mapping[str, Any], None, None]", said)) as messages:
                for message in messages:
                    self._take(message, ingest)
        run.progress(RAN, "Saving results")

    def _take(self, message: Mapping[str, Any], ingest: Ingest) -> None:
        match message["type"]:
            case "progress":
                self._run.progress(_percent(message), STEPS.get(message["step"], message["step"]))
            case "log":
                self._run.log(message["level"], message["message"], message["source"])
            case _:
                ingest.take(message)

    def _end(self, tree: TreeRef, results: Callable[[], ResultSet], correlator: Correlator) -> None:
        """Make it all visible at once: results, findings, events and the job's own end."""
        self._run.progress(SAVED, "Comparing with the last analysis")
        result: dict[str, Any] = {}
        with self._run.commit(result):
            found = results()
            correlation.drop_outdated(correlator, found.pk)
            result.update(ledger.complete(self._analysis, found, reference=tree.reference))


def result_key(tree: TreeRef, engine_set: str, correlation_key: str) -> str:
    """Name everything that the results of a run depend on."""
    limits = orjson.dumps(asdict(settings.ENGINE_LIMITS), option=orjson.OPT_SORT_KEYS).decode()
    return hashlib.sha256(
        "\0".join((tree.commit, tree.tree, engine_set, limits, correlation_key)).encode()
    ).hexdigest()


def _percent(message: Mapping[str, Any]) -> int:
    total = message["total"]
    return OPENED + int((RAN - OPENED) * min(1.0, message["done"] / total)) if total else OPENED


@contextmanager
def _failures(run: JobRunContext, analysis: Analysis) -> Iterator[None]:
    """Turn what can go wrong into the job's words, and mark the analysis with it."""
    try:
        yield
    except EngineError as error:
        _raise_if_stopped(run, analysis)
        mark_attempt(analysis.pk, AnalysisStatus.FAILED, error.code, str(error))
        raise JobFailed(error.code, str(error), retryable=error.retryable) from error
    except UnfinishedResults as error:
        mark_attempt(analysis.pk, AnalysisStatus.FAILED, error.code, str(error))
        raise JobFailed(error.code, str(error), retryable=True) from error
    except Stopped as stop:
        _mark_stopped(stop, analysis)
        raise
    except Exception as error:
        if _deleted(analysis.repository_id):
            raise JobFailed(
                "repository_deleted", "The repository was deleted while it was analysed."
            ) from error
        with suppress(DatabaseError, InterfaceError):
            mark_attempt(
                analysis.pk, AnalysisStatus.FAILED, "unexpected_error", "The worker's log has the details."
            )
        raise


def _deleted(repository_id: int) -> bool:
    """True when the repository is gone, with everything that an attempt could still write."""
    try:
        return not Repository.objects.filter(pk=repository_id).exists()
    except (DatabaseError, InterfaceError):
        return False


def _raise_if_stopped(run: JobRunContext, analysis: Analysis) -> None:
    """An engine that was killed because the job must end is no failure of the engine."""
    try:
        run.raise_if_cancelled()
    except Stopped as stop:
        _mark_stopped(stop, analysis)
        raise


def _mark_stopped(stop: Stopped, analysis: Analysis) -> None:
    if isinstance(stop, LeaseLost | WorkerStopping):
        return  # another attempt writes this row, now or soon
    if isinstance(stop, JobCancelled):
        mark_attempt(analysis.pk, AnalysisStatus.CANCELLED, "", "")
    else:
        mark_attempt(analysis.pk, AnalysisStatus.FAILED, "time_limit", str(stop))
