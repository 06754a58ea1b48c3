"""Checks of files that a repository should have, by their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.licenses.likeness import licenses_in
from commandcenter.engine.practices.model import Outcome, Repository
from commandcenter.engine.textlines import lines_of

_SAST_TOOLS = re.compile(
    r"github/codeql-action|semgrep|sonar(?:source|qube|cloud|-scanner)|\bbandit\b|\bgosec\b|\bbrakeman\b|\bsnyk\b"
    r"|returntocorp|securego|\bcheckmarx\b|\bcoverity\b|\bveracode\b|\bpsalm\b|\bphpstan\b|template: *(?:Jobs|Security)/SAST",
    re.IGNORECASE,
)
_FUZZ_TOOLS = re.compile(
    r"google/oss-fuzz|clusterfuzzlite|\bcargo[ -]fuzz\b|\bgo test\b[^\n]*-fuzz\b|\batheris\b|\bjazzer\b|\bafl-fuzz\b",
    re.IGNORECASE,
)
MAX_LICENSES = 10
"""Licence files that are read."""
_SHELVES = "the top of the tree, .github/, .gitlab/ and docs/"


def license_file(repository: Repository) -> Outcome:
    """Look for a licence file at the top of the tree, and for a licence in it."""
    present = repository.names.license
    outcome = _file("license", present, "LICENSE, COPYING or LICENSES/ at the top of the tree")
    read = [path for path in present[:MAX_LICENSES] if path in repository.texts]
    known = {path: _licenses(repository.texts[path]) for path in read}
    named = next((path for path in read if known[path]), None)
    if named is not None:
        outcome.why = f"Found {named}: {', '.join(known[named])}."
    elif read:
        outcome.unknown = f"Found {read[0]}, whose text is no licence of the SPDX list that is known here."
    return outcome


def _licenses(text: str) -> list[str]:
    return [found.spdx for found in licenses_in(text) if found.spdx is not None]


def readme(repository: Repository) -> Outcome:
    """Look for a readme."""
    return _file("readme", repository.names.readme, f"README in {_SHELVES}")


def security_policy(repository: Repository) -> Outcome:
    """Look for a security policy."""
    return _file("security-policy", repository.names.security, f"SECURITY.md or security.txt in {_SHELVES}")


def code_owners(repository: Repository) -> Outcome:
    """Look for code owners."""
    return _file("code-owners", repository.names.owners, f"CODEOWNERS in {_SHELVES}")


def ci(repository: Repository) -> Outcome:
    """Look for the configuration of a CI system."""
    looked = "the configuration of 15 CI systems, from .github/workflows/ and .gitlab-ci.yml to Jenkinsfile"
    if not repository.names.has_code and not repository.names.ci:
        return Outcome("ci", why="There is no code to build or test.")
    return _file("ci", repository.names.ci, looked)


def tests(repository: Repository) -> Outcome:
    """Look for files that are tests by name or folder."""
    if not repository.names.has_code:
        return Outcome("tests", why="There is no code to test.")
    looked = "files that test tools find by name (test_*.py, *_test.go, *.spec.ts, *Test.java ...) or in test folders"
    return _file("tests", repository.names.tests, looked)


def dependency_updates(repository: Repository) -> Outcome:
    """Look for a tool that proposes updates, where there is something to update."""
    if not repository.inventory.dependencies and not repository.names.updates:
        return Outcome("dependency-updates", why="No manifest asks for anything.")
    looked = "the configuration of dependabot, renovate, pyup or scala-steward"
    return _file("dependency-updates", repository.names.updates, looked)


def sast(repository: Repository) -> Outcome:
    """Look for the configuration of a static analysis, or its name in a CI file."""
    return _tool(
        "sast",
        repository,
        repository.names.sast,
        _SAST_TOOLS,
        "CodeQL, semgrep, Sonar, bandit and ten others",
    )


def fuzzing(repository: Repository) -> Outcome:
    """Look for fuzz targets, or the name of a fuzzer in a CI file."""
    return _tool(
        "fuzzing",
        repository,
        repository.names.fuzzing,
        _FUZZ_TOOLS,
        "fuzz targets, ClusterFuzzLite and fuzzers",
    )


def _file(check: str, present: Sequence[str], looked: str) -> Outcome:
    outcome = Outcome(check, looked_at=1)
    if present:
        outcome.why = f"Found {present[0]}."
    else:
        outcome.add("", f"Looked for {looked}; there is none.")
    return outcome


def _tool(
    check: str, repository: Repository, present: Sequence[str], named: re.Pattern[str], looked: str
) -> Outcome:
    if not repository.names.has_code:
        return Outcome(check, why="There is no code.")
    outcome = Outcome(check, looked_at=1)
    place = Evidence(present[0]) if present else _mention(repository, named)
    if place is not None:
        outcome.why = f"Found {place.path}{f':{place.line}' if place.line else ''}."
    else:
        outcome.add(
            "", f"Looked for {looked}, by the names of files and in CI and pre-commit files; there is none."
        )
    return outcome


def _mention(repository: Repository, named: re.Pattern[str]) -> Evidence | None:
    ci_files = {*repository.names.ci, ".pre-commit-config.yaml"}
    for path, text in sorted(repository.texts.items()):
        if path in ci_files:
            for number, line in enumerate(lines_of(text), 1):
                if not line.lstrip().startswith("#") and named.search(line[:400]):
                    return Evidence(path, number)
    return None
