"""The checks by id, in the order in which they are shown: what each is called and what to do about its gaps."""

from __future__ import annotations

from dataclasses import dataclass

from commandcenter.engine.contract.findings import Severity


@dataclass(frozen=True, slots=True)
class About:
    """One check. `remedy` is what to do where a gap has nothing more exact to say."""

    id: str
    title: str
    severity: Severity
    remedy: str


CHECKS: dict[str, About] = {
    about.id: about
    for about in (
        About(
            "dangerous-workflow",
            "Workflow runs code of strangers with rights",
            "critical",
            "Trigger the workflow by pull_request, which has no secrets, or do not check out the head of the pull request.",
        ),
        About(
            "token-permissions",
            "Workflow token with broad rights",
            "medium",
            "Write `permissions: {contents: read}` at the top of the workflow and grant more in the jobs that need it.",
        ),
        About(
            "pinned-actions",
            "Action or include not pinned to a commit",
            "medium",
            "Name the full commit id after the @ and the version in a comment; dependabot and renovate keep both up to date.",
        ),
        About(
            "pinned-images",
            "Base image not pinned by digest",
            "low",
            "Add the digest to the tag (image:tag@sha256:...); dependabot and renovate keep it up to date.",
        ),
        About(
            "pinned-installs",
            "Package installed in no certain version",
            "medium",
            "Install exact versions, from a lock file with checksums where the tool has one.",
        ),
        About(
            "lock-file",
            "Manifest without a lock file",
            "medium",
            "Let the package manager write its lock file and commit it.",
        ),
        About(
            "lock-in-step",
            "Lock file out of step with its manifest",
            "medium",
            "Run the package manager's lock command again and commit what it writes.",
        ),
        About(
            "binary-artifacts",
            "Executable binary among the sources",
            "medium",
            "Build it from source in CI, or fetch it by version and checksum, and remove the file.",
        ),
        About(
            "submodules",
            "Submodule or symlink that leaves the repository",
            "low",
            "Use https:// addresses of hosts that you trust.",
        ),
        About(
            "license",
            "No licence",
            "medium",
            "Add a file LICENSE with the text of the licence, or of the terms of your company, at the top of the tree.",
        ),
        About(
            "readme",
            "No readme",
            "low",
            "Add a README that says what this is, how to run it and whom to ask.",
        ),
        About(
            "security-policy",
            "No security policy",
            "low",
            "Add SECURITY.md: how to report a vulnerability, and how soon somebody answers.",
        ),
        About(
            "code-owners",
            "No code owners",
            "low",
            "Add a CODEOWNERS file, so that a change asks those who know the code for their review.",
        ),
        About(
            "ci",
            "No continuous integration",
            "medium",
            "Add a workflow that builds and tests each change.",
        ),
        About(
            "tests",
            "No tests",
            "medium",
            "Add tests beside the code, in a place or with a name that its test tool finds, and run them in CI.",
        ),
        About(
            "dependency-updates",
            "Nothing updates the dependencies",
            "low",
            "Add .github/dependabot.yml or renovate.json with an entry per package manager.",
        ),
        About(
            "sast",
            "No static analysis configured",
            "info",
            "Run a static analysis, such as CodeQL or semgrep, in CI.",
        ),
        About(
            "fuzzing",
            "No fuzzing configured",
            "info",
            "Fuzz what parses input from outside: Go's own fuzzing, cargo-fuzz, Atheris, Jazzer, OSS-Fuzz.",
        ),
    )
}
