"""Turns what git says about the other side into errors that a person can act upon."""

from __future__ import annotations

import re

from commandcenter.engine.errors import SourceError

_REASONS: tuple[tuple[str, str, bool, str], ...] = (
    (
        (
            r"could not read username|authentication failed|terminal prompts disabled|returned error: 40[13]"
            r"|permission denied|could not read password|invalid credentials"
        ),
        "source_forbidden",
        False,
        "{host} asks for credentials or refuses those that were given.",
    ),
    (
        r"host key verification failed",
        "source_forbidden",
        False,
        "{host} shows another host key than before. If that is right, remove it from known_hosts in the mirrors folder.",
    ),
    (
        r"redirect|returned error: 30\d",
        "source_unreachable",
        False,
        "{host} redirects to another address: enter the final one.",
    ),
    (
        (
            r"repository .*not found|returned error: 404|not appear to be a git repository|not exported|no such repository"
            r"|info/refs not valid|not a git repository|invalid server response|protocol error: bad line|could not be found"
        ),
        "source_not_found",
        False,
        "There is no git repository at this address, or it needs credentials.",
    ),
    (
        r"not our ref|did not send all|fsck error|fsck failed|invalid object|bad object|object corrupt|pack has bad object|bad pack|bogus|inflate|cannot be read from|unable to (unpack|parse|read) |is corrupt|index-pack died",
        "source_invalid",
        False,
        "The repository's git objects are broken.",
    ),
    (
        r"file size limit|file too large|no space left|disk quota|signal 25",
        "source_too_large",
        False,
        "The repository takes more room than there is for one.",
    ),
    (
        (
            r"could not resolve|couldn't connect|failed to connect|connection (refused|reset|timed out|closed)|timed out"
            r"|unable to connect|network is unreachable|no route to host|early eof|hung up|rpc failed|too slow"
            r"|returned error: 5\d\d|returned error: 429|unable to access|unexpected disconnect|ssl|certificate"
            r"|could not read from remote"
        ),
        "source_unreachable",
        True,
        "{host} cannot be reached or broke off.",
    ),
)


def explain(stderr: str, host: str) -> SourceError | None:
    """Turn what git said into an error that a person can act upon; None when it is not about the other side.

    git's own words are not passed on: they hold paths of this machine and text of the server's choosing.
    """
    text = stderr.lower()
    for pattern, code, retryable, sentence in _REASONS:
        if re.search(pattern, text):
            return SourceError(sentence.format(host=host), code=code, retryable=retryable)
    return None
