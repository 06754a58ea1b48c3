"""What a secret in a repository is, why it matters and what to do about it, by its kind, in our own words."""

from __future__ import annotations

import re

_READERS = "Everybody who can read the repository, a copy of it or an old commit has it."
_HISTORY = "Removing the line is not enough: it stays in the history of the repository and in every clone."
_KEEP = "Keep the new one in a secret store or in the environment of the process, never in the code."

# The first pattern that fits decides: which rules, why, how to fix.
_KINDS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"^(private-key|pkcs12-file|age-secret|polymarket-private)"),
        "Who has the key can sign, decrypt or sign in as its owner, and no one can tell the difference.",
        "Make a new pair of keys, replace the public key or certificate wherever it is trusted, and revoke the old one.",
    ),
    (
        re.compile(
            r"^(gcp-service|gcp-application|aws-|azure-|alibaba-|digitalocean-|heroku-|kubernetes-|openshift-)"
        ),
        "Who has it acts in your cloud: reads data, starts machines at your cost, and makes further keys.",
        "Revoke it at the provider, look through its log for what was done with it, and issue another with fewer rights.",
    ),
    (
        re.compile(r"^(npm-|pypi-|rubygems-|crates-io|clojars-|nuget-|artifactory-|cloudsmith-|docker)"),
        "Who has it can publish in your name, and what is published runs with everybody who installs it.",
        "Revoke it, check that the newest releases are yours, and publish through OpenID Connect where the registry can.",
    ),
    (
        re.compile(
            r"^(github-|gitlab-|gitea-|bitbucket-|circleci-|travisci-|buildkite-|bitrise-|droneci-|mergify-)"
        ),
        "Who has it reads and changes source code, or what is built from it, with the rights of its owner.",
        "Revoke it, look for commits, releases and deploy keys that nobody made, and issue another for what is needed only.",
    ),
    (
        re.compile(r"^(vault-|hashicorp-|pulumi-|doppler-|1password-|okta-|jumpcloud-|auth0-|clerk-)"),
        "It opens other secrets or accounts: one leak becomes many.",
        "Revoke it, and change what could be read with it as well.",
    ),
    (
        re.compile(
            r"^(stripe-|square-|paypal-|plaid-|razorpay-|checkout-|coinbase-|kraken-|kucoin-|bittrex-|polymarket-|gocardless-"
            r"|flutterwave-|xendit-|midtrans-|paddle-|mercury-|ramp-|lob-|woocommerce-|shopify-)"
        ),
        "Who has it can see payments or move money.",
        "Revoke it at the provider and look through the payments since it was committed.",
    ),
    (
        re.compile(r"(webhook|incoming-mail|feed-token)"),
        "Who has the address can send messages that look like your own.",
        "Make another address and remove the old one.",
    ),
    (
        re.compile(r"^(generic-password|generic-credential-uri|curl-auth|mongodb-connection|sidekiq-)"),
        "With the password goes the account, and often others where it is used again.",
        "Change the password wherever it is in use, and read it from the environment.",
    ),
    (
        re.compile(r"^jwt"),
        "Until it runs out, whoever shows the token is taken for the one that it was issued to.",
        "End the session or change the signing key when it is still valid; in tests use tokens that are made on the spot.",
    ),
    (
        re.compile(r"^generic-"),
        "It looks like a key of some service: who has it acts in the name of its owner.",
        "Find out what it is for; revoke it there and issue another.",
    ),
)
_IDENTIFIER = (
    "It is no secret by itself, but half of a pair: with the other half it signs in, and it tells which account to attack.",
    "See that the other half is not in the repository, and take both from the configuration.",
)
_OTHER = (
    "Who has it can use the service in your name: read your data there, and spend what you pay for.",
    "Revoke it where it was issued and issue another.",
)


# Around the name of what is found stands how it was found, and what may come of it.
_BEFORE = re.compile(
    r"^(?:uncovered|detected|identified|discovered|found|possible)\b(?: (?:a )?pattern (?:that may indicate|that resembles|resembling))?"
    r"(?: an?\b)?(?: (?:possible|potential)\b)?(?: (?:pattern that resembles|pattern resembling)(?: an?\b)?)?\s+",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:,| - | which| that may| detected\b| used as| risking| posing| potentially|\. ).*$", re.DOTALL
)
_NAMES = {  # where the tool describes the service
    "sourcegraph-access-token": "Sourcegraph access token",
    "cisco-meraki-api-key": "Cisco Meraki API key",
    "buildkite-service-token": "Buildkite agent token",
    "gitlab-pat-routable-versioned": "GitLab Personal Access Token (routable, versioned)",
}
_LOWER_CASE = frozenset({"npm", "eBay", "ngrok", "xAI", "monday.com", "crates.io", "redirect.pizza"})


def what(rule_id: str, description: str) -> str:
    """Return what a rule of betterleaks finds, from its description: "GitHub App Token in a file."."""
    name = _NAMES.get(rule_id) or _AFTER.sub("", _BEFORE.sub("", description.strip().rstrip("."))).strip()
    if name.partition(" ")[0] not in _LOWER_CASE:
        name = f"{name[:1].upper()}{name[1:]}"
    return f"{name or rule_id} in a file."


def why_and_fix(rule_id: str, *, identifier: bool) -> tuple[str, str]:
    """Return why a rule of betterleaks matters, and what to do; `identifier` for what is no secret by itself."""
    if identifier:
        return _IDENTIFIER
    why, fix = next(((why, fix) for pattern, why, fix in _KINDS if pattern.search(rule_id)), _OTHER)
    return f"{_READERS} {why}", f"{fix} {_KEEP} {_HISTORY}"
