"""Say what each engine found as it ends, in the plan's order, and join it all at the end of the run."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Collection, Iterator, Sequence

from commandcenter.engine import messages
from commandcenter.engine.blobs import Readable
from commandcenter.engine.contract.facts import Technology
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.engines import Registry
from commandcenter.engine.messages import Message
from commandcenter.engine.plan import Plan
from commandcenter.engine.summary import Outcome, file_rows, summarise
from commandcenter.engine.work import Work

MAX_LOGGED_FAILURES = 20


class Reporter:
    """Turns what the engines collected into messages, in the caller's thread."""

    def __init__(self, tree: Readable, plan: Plan, works: Sequence[Work]) -> None:
        self._tree = tree
        self._plan = plan
        self._waiting = deque(works)
        self._outcomes: dict[str, Outcome] = {}
        self._partial = False

    def ready(self, ended: Collection[int]) -> Iterator[Message]:
        """Report the engines whose turn it is. `ended` holds the `id()` of the works that have ended."""
        while self._waiting and id(self._waiting[0]) in ended:
            yield from self._report(self._waiting.popleft())

    def _report(self, work: Work) -> Iterator[Message]:
        """Give an engine's rows and its report."""
        findings: list[Finding] = []
        found: list[Technology] = []
        left_out = 0
        rules: dict[str, Rule] = {}
        if not work.out:
            try:
                rules = {rule.id: rule for rule in work.engine.rules()}
                findings, left_out = work.collected.findings()
                found = work.collected.technologies()
            except Exception as error:  # noqa: BLE001 (as everywhere: the engine fails, the run goes on)
                work.fail(error)
        yield from self._failure_lines(work)
        if not work.out:
            yield from messages.rows("dependencies", work.collected.sorted_dependencies())
            yield from messages.rows("technologies", found)
            yield from messages.rows("contributors", work.collected.contributors)
            yield from messages.rows("checks", work.collected.checks)
            yield from messages.rows("gaps", work.collected.gaps)
            yield from messages.rows("licenses", work.collected.licenses.rows())
            used = dict.fromkeys(finding.rule_id for finding in findings)
            yield from messages.rows("rules", [rules.get(id_) or _unnamed(id_, work) for id_ in sorted(used)])
            yield from messages.rows("findings", findings)
            yield from messages.rows("unread", work.unread())
            if rules:
                yield messages.catalogue(work.engine.id, rules)
            outcome = work.outcome(findings, len(found), reports_findings=bool(rules or findings))
            self._outcomes[work.engine.id] = outcome
        report = work.report(len(findings), left_out)
        self._partial = self._partial or report.status not in {"ok", "skipped"}
        yield {"type": "engine", **messages.row(report)}

    def _failure_lines(self, work: Work) -> Iterator[Message]:
        source = work.engine.id
        if work.out:
            yield messages.log("info" if work.status == "skipped" else "error", source, work.detail)
        failures = sorted(work.collected.failures, key=lambda f: (f.path or "", f.message))
        for failure in failures[:MAX_LOGGED_FAILURES]:
            place = f"{failure.path}: " if failure.path else ""
            yield messages.log("warning", source, f"{place}{failure.message}")
        if len(failures) > MAX_LOGGED_FAILURES:
            more = len(failures) - MAX_LOGGED_FAILURES
            yield messages.log("warning", source, f"{more} more files could not be read in full.")

    def join(self) -> Iterator[Message]:
        """Give the rows per file, the totals, and how the run ended."""
        entries = self._tree.entries
        yield from messages.rows("files", file_rows(entries, self._outcomes))
        if "functions" in self._outcomes:
            yield from messages.rows("functions", self._outcomes["functions"].collected.most_complex())
        summary = summarise(entries, self._tree.skipped, self._outcomes)
        yield {"type": "summary", **messages.row(summary)}
        status = "partial" if self._partial else "complete"
        yield {"type": "done", "status": status, "digest": self._plan.digest}


def catalogues(registry: Registry) -> Iterator[Message]:
    """Describe every rule of every engine that can run here. One that cannot tell its rules says nothing."""
    for engine in registry.values():
        try:
            rules = list(engine.rules()) if engine.unavailable() is None else None
        except Exception:  # noqa: BLE001 (as in a run: the engine fails, the others go on)
            traceback.print_exc()
            continue
        if rules is not None:
            yield from messages.rows("rules", rules)
            yield messages.catalogue(engine.id, (rule.id for rule in rules))


def _unnamed(rule_id: str, work: Work) -> Rule:
    """Stand for a rule that the engine reports but does not describe, so that every finding has one."""
    return Rule(id=rule_id, engine=work.engine.id, name=rule_id, short=rule_id)
