"""The check of executable binaries among the sources, by their names."""

from __future__ import annotations

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.contract.findings import Severity
from commandcenter.engine.practices.model import Outcome, Repository, example

_BYTECODE = frozenset(["class", "pyc", "pyo", "o", "obj", "beam"])


def binary_artifacts(repository: Repository) -> Outcome:
    """Name each file whose suffix says that a machine runs it."""
    outcome = Outcome(
        "binary-artifacts", looked_at=repository.names.files, why="No name is that of an executable binary."
    )
    for path in repository.names.binaries:
        suffix = path.rpartition(".")[2].lower()
        wrapper = path.endswith(("gradle/wrapper/gradle-wrapper.jar", ".mvn/wrapper/maven-wrapper.jar"))
        severity: Severity = "low" if wrapper or suffix in _BYTECODE or example(path) else "medium"
        reason = f"{path} is a binary (.{suffix}) that nobody can review"
        remedy = ""
        if wrapper:
            reason += ", though its checksum can be compared with a released one"
            remedy = "Verify it in CI against the checksums of releases (gradle/actions/wrapper-validation for Gradle)."
        elif suffix in _BYTECODE:
            reason += "; it is the output of a compiler"
            remedy = "Remove it from the repository and add its suffix to .gitignore."
        outcome.add(path, f"{reason}.", [Evidence(path)], severity=severity, remedy=remedy)
    return outcome
