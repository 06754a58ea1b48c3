"""The audits of zizmor that run without a network and by default, described and rated. A finding's own severity is the tool's: it depends on the place."""

from __future__ import annotations

from typing import Literal

from commandcenter.engine.contract.findings import Rule, Severity

_Precision = Literal["high", "medium", "low"]
_Entry = tuple[str, Severity, _Precision, tuple[str, ...], str, str, str]

# id, severity, precision, CWE, what, why, how to fix
_TABLE: tuple[_Entry, ...] = (
    ("adhoc-packages", "low", "medium", ("CWE-829",), "A step installs packages outside a lock file",
     "Whatever version the registry serves that day runs with the job's rights.",
     "Install from a lock file, with the versions and hashes that it holds."),
    ("archived-uses", "medium", "high", ("CWE-1104",), "An action from an archived repository",
     "Nobody mends its faults any more.", "Replace it by one that is maintained, or by a few lines of your own."),
    ("artipacked", "medium", "low", ("CWE-522",), "The checkout leaves its token in the work folder",
     "An artifact or a later step can carry the token away.", "Set persist-credentials: false on the checkout."),
    ("bot-conditions", "high", "medium", ("CWE-290",), "A condition trusts a name that can be forged",
     "github.actor is whoever caused the last event, not the author of the change.",
     "Compare github.event.pull_request.user.login, or use the event's own sender."),
    ("cache-poisoning", "high", "low", ("CWE-349",), "A release build restores a shared cache",
     "Another run, such as one of a pull request, may have written what is released.",
     "Do not restore caches in workflows that publish."),
    ("concurrency-limits", "low", "medium", ("CWE-770",), "Runs of one branch are not limited",
     "Every push starts another run beside those that are outdated.", "Add concurrency with cancel-in-progress."),
    ("dangerous-triggers", "high", "medium", ("CWE-829",), "A trigger that mixes strangers' input with your rights",
     "pull_request_target and workflow_run run with secrets of the repository on behalf of anybody.",
     "Use pull_request; split what needs rights into a workflow that reads no code of the request."),
    ("dependabot-cooldown", "medium", "high", ("CWE-1104",), "Updates are taken on the day they appear",
     "A hijacked release is often found within days.", "Set a cooldown of some days."),
    ("dependabot-execution", "high", "high", ("CWE-94",), "Dependabot may run code of packages",
     "Manifests of strangers are executed with access to your registries.",
     "Remove insecure-external-code-execution: allow."),
    ("excessive-permissions", "medium", "medium", ("CWE-250",), "The job's token may do more than it needs",
     "Whoever takes over one step has all rights of the token.",
     "Set permissions: {} for the workflow and add to each job what it needs."),
    ("github-app", "medium", "medium", ("CWE-250",), "An app's token with more rights than needed",
     "It reaches every repository of the installation unless it is narrowed.",
     "Name the repositories and the permissions when the token is made."),
    ("github-env", "high", "low", ("CWE-454",), "A step of a dangerous trigger writes the environment",
     "A value with a line break sets any variable for the steps that follow, and so runs code.",
     "Pass values by step outputs, and never what comes from outside."),
    ("hardcoded-container-credentials", "high", "high", ("CWE-798",), "A password of a registry in the workflow",
     "Everybody who can read the repository can use it.", "Keep it as a secret, and change it: it is known."),
    ("insecure-commands", "high", "high", ("CWE-78",), "Old workflow commands are switched on again",
     "Whatever a step prints can then set variables and paths.", "Use GITHUB_ENV and GITHUB_OUTPUT."),
    ("insecure-url-scheme", "medium", "high", ("CWE-319",), "An address without encryption",
     "What is fetched can be changed on its way.", "Use https."),
    ("misfeature", "low", "high", ("CWE-684",), "A feature that leads to mistakes",
     "It hides what runs, or from where.", "Write out what it does."),
    ("obfuscation", "low", "high", ("CWE-506",), "Something is written so that it is hard to see",
     "Reviews and checks read past it.", "Write it plainly."),
    ("overprovisioned-secrets", "medium", "high", ("CWE-250",), "All secrets are handed over at once",
     "toJSON(secrets) gives every secret to a step that needs one.", "Name the secrets that are needed."),
    ("secrets-inherit", "medium", "high", ("CWE-250",), "A called workflow gets every secret",
     "secrets: inherit passes on more than it needs.", "Pass the secrets that are needed by name."),
    ("secrets-outside-env", "medium", "medium", ("CWE-522",), "A secret without an environment around it",
     "Any workflow of any branch can use it, without a review.", "Move it into an environment with protection rules."),
    ("superfluous-actions", "low", "medium", ("CWE-1104",), "An action for what the runner can do already",
     "Each action is code of others that runs with your rights.", "Use the program of the runner."),
    ("template-injection", "high", "high", ("CWE-94", "CWE-78"), "Text from outside becomes part of a script",
     "${{ }} is filled in before the shell reads the line: a title or branch name can hold commands.",
     'Put the value into env and use "$NAME" in the script.'),
    ("typosquat-uses", "high", "medium", ("CWE-829",), "An action whose name resembles a well-known one",
     "Somebody may have registered it for those who mistype.", "Check the name."),
    ("unpinned-images", "medium", "high", ("CWE-829",), "An image that is not pinned",
     "Its tag may name another image tomorrow.", "Pin it by its digest."),
    ("unpinned-tools", "low", "medium", ("CWE-829",), "An action installs a tool of no fixed version",
     "What runs may be another tool tomorrow.", "Name the version."),
    ("unpinned-uses", "high", "high", ("CWE-829",), "An action that is not pinned to a commit",
     "Whoever controls its repository can move the tag, and then runs code with your secrets.",
     "Pin the full commit and keep the version in a comment."),
    ("unredacted-secrets", "medium", "high", ("CWE-532",), "A part of a secret may be printed",
     "Only whole secrets are hidden in logs; a field of a JSON secret is not.", "Keep each value as a secret of its own."),
    ("unsound-condition", "high", "high", ("CWE-697",), "A condition that is always true",
     "${{ }} with text around it is a text that is not empty, and so true.", "Remove the line breaks around ${{ }}."),
    ("unsound-contains", "high", "high", ("CWE-697",), "contains() with a text where a list is meant",
     'Any part of the text matches, such as "main" within "main-evil".', "Use fromJSON('[...]')."),
    ("unsound-ternary", "medium", "high", ("CWE-697",), "A choice that never takes its first value",
     "a && b || c is c whenever b is empty, 0 or false.", "Turn the condition round."),
    ("use-trusted-publishing", "low", "high", ("CWE-798",), "A package is published with a long-lived token",
     "A stolen token publishes until somebody revokes it.", "Use trusted publishing (OpenID Connect)."),
)  # fmt: skip

RULES = {
    id_: Rule(
        id=id_,
        engine="zizmor",
        name=id_,
        short=f"{what}.",
        full=f"{what}. {why}",
        help=fix,
        help_url=f"https://docs.zizmor.sh/audits/#{id_}",
        severity=severity,
        precision=precision,
        cwe=cwe,
        tags=("security", "github-actions"),
    )
    for id_, severity, precision, cwe, what, why, fix in _TABLE
}
