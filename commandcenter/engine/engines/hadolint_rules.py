"""The rules of hadolint that we run, with those of shellcheck that it applies to RUN instructions.

Left out on purpose: style and the size of images, labels, and what most correct Dockerfiles do.
"""

from __future__ import annotations

from dataclasses import replace

from commandcenter.engine.contract.findings import Rule, Severity
from commandcenter.engine.engines.shellcheck_rules import RULES as SHELL_RULES

# id, severity, CWE, what, why, how to fix
_Entry = tuple[str, Severity, tuple[str, ...], str, str, str]

_TABLE: tuple[_Entry, ...] = (
    ("DL3002", "medium", ("CWE-250",), "The image runs as root",
     "Whoever breaks out of the program has root's rights in the container, and is closer to the host.",
     "End with USER and a user without rights."),
    ("DL3064", "high", ("CWE-538",), "A secret in ARG or ENV",
     "Both stay in the image and its history, for everybody who can pull it.",
     "Use RUN --mount=type=secret, or pass it when the container starts."),
    ("DL3004", "low", ("CWE-250",), "sudo in a build",
     "The build is root already, or should not be; sudo hides which.", "Switch with USER."),
    ("DL3006", "medium", ("CWE-829",), "The base image has no tag",
     "It is whatever latest names on the day of the build.", "Name a version, best with its digest."),
    ("DL3007", "medium", ("CWE-829",), "The base image is latest",
     "It is another one tomorrow, and a build cannot be repeated.", "Name a version, best with its digest."),
    ("DL3008", "low", ("CWE-1357",), "apt-get installs no fixed version",
     "A build cannot be repeated.", "Write package=version, or pin the base image by digest and its date."),
    ("DL3013", "low", ("CWE-1357",), "pip installs no fixed version",
     "A build cannot be repeated, and takes whatever release is there.", "Install from a lock file with hashes."),
    ("DL3016", "low", ("CWE-1357",), "npm installs no fixed version",
     "A build cannot be repeated, and takes whatever release is there.", "Use npm ci with a lock file."),
    ("DL3018", "low", ("CWE-1357",), "apk adds no fixed version",
     "A build cannot be repeated.", "Write package=version, or pin the base image by digest."),
    ("DL3028", "low", ("CWE-1357",), "gem installs no fixed version",
     "A build cannot be repeated, and takes whatever release is there.", "Use Bundler with a lock file."),
    ("DL3033", "low", ("CWE-1357",), "yum installs no fixed version", "A build cannot be repeated.",
     "Write package-version."),
    ("DL3037", "low", ("CWE-1357",), "zypper installs no fixed version", "A build cannot be repeated.",
     "Write package=version."),
    ("DL3041", "low", ("CWE-1357",), "dnf installs no fixed version", "A build cannot be repeated.",
     "Write package-version."),
    ("DL3062", "low", ("CWE-1357",), "go install of no fixed version",
     "A build cannot be repeated, and takes whatever release is there.", "Write module@version."),
    ("DL3026", "medium", ("CWE-829",), "A base image from a registry that is not allowed",
     "Images of unknown origin become part of yours.", "Use an image of an allowed registry."),
    ("DL3035", "low", ("CWE-1357",), "zypper dist-upgrade in a build",
     "It changes everything that the base image fixed.", "Use a newer base image."),
    # does not do what it says
    ("DL4006", "medium", ("CWE-252",), "A pipe whose first command may fail unnoticed",
     "The shell reports the status of the last command only: a failed download builds on.",
     'Set SHELL ["/bin/bash", "-o", "pipefail", "-c"] before it.'),
    ("DL3000", "medium", (), "A WORKDIR that is not absolute", "It depends on the lines above it and on the base image.",
     "Write the whole path."),
    ("DL3003", "low", (), "cd in a RUN", "It is forgotten at the end of the instruction.", "Use WORKDIR."),
    ("DL3011", "medium", (), "A port that cannot be", "Ports go from 0 to 65535.", "Name another one."),
    ("DL3012", "medium", (), "Several HEALTHCHECK instructions", "Only the last one counts.", "Keep one."),
    ("DL3020", "low", ("CWE-829",), "ADD where COPY is enough",
     "ADD unpacks archives and fetches addresses, which nobody expects of a copy.", "Use COPY."),
    ("DL3021", "medium", (), "COPY of several files to what is no folder", "The build fails.",
     "End the destination with /."),
    ("DL3022", "medium", (), "COPY from a stage that does not exist", "It is taken for an image of that name.",
     "Name a stage that is defined above."),
    ("DL3023", "medium", (), "COPY from its own stage", "The build fails.", "Name another stage."),
    ("DL3024", "medium", (), "Two stages of one name", "The second hides the first.", "Give each its own name."),
    ("DL3025", "low", (), "CMD or ENTRYPOINT through a shell",
     "The shell does not pass signals on: the container is killed instead of stopped.", 'Write ["program", "argument"].'),
    ("DL3027", "low", (), "apt in a script", "Its interface may change, and it says so itself.", "Use apt-get."),
    ("DL3043", "medium", (), "An instruction that ONBUILD cannot carry", "The build of the image above fails.",
     "Remove it from ONBUILD."),
    ("DL3044", "medium", (), "ENV that refers to itself", "The variable has its old value within the instruction.",
     "Use two ENV instructions."),
    ("DL3045", "low", (), "COPY to a relative path without WORKDIR", "Where it ends up depends on the base image.",
     "Set WORKDIR, or write the whole path."),
    ("DL3061", "medium", (), "An instruction before FROM", "The build fails.", "Begin with FROM or ARG."),
    ("DL4000", "low", (), "MAINTAINER is deprecated", "Builders warn about it, and will drop it.",
     "Use LABEL org.opencontainers.image.authors."),
    ("DL4003", "medium", (), "Several CMD instructions", "Only the last one counts.", "Keep one."),
    ("DL4004", "medium", (), "Several ENTRYPOINT instructions", "Only the last one counts.", "Keep one."),
)  # fmt: skip

LOW_PRECISION = frozenset({"DL3008", "DL3018", "DL3033", "DL3041", "DL3037", "DL3022"})


def _rule(entry: _Entry) -> Rule:
    id_, severity, cwe, what, why, fix = entry
    return Rule(
        id=id_,
        engine="hadolint",
        name=id_,
        short=f"{what}.",
        full=f"{what}. {why}",
        help=fix,
        help_url=f"https://github.com/hadolint/hadolint/wiki/{id_}",
        severity=severity,
        precision="medium" if id_ in LOW_PRECISION else "high",
        cwe=cwe,
        tags=("security" if cwe else "correctness", "docker"),
    )


_OF_THE_SHELL = {
    id_: replace(rule, engine="hadolint", tags=(rule.tags[0], "docker"))
    for id_, rule in SHELL_RULES.items()
    if not id_.startswith("SC1")
}
RULES = {**{entry[0]: _rule(entry) for entry in _TABLE}, **_OF_THE_SHELL}
