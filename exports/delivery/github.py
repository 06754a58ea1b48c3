"""Speaks to GitHub's REST API, of github.com or of an Enterprise server, as its public reference says."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from commandcenter.core.fetching import Answer
from exports.delivery.line import CALL_SECONDS, LONGEST_WAIT, Line, retry_after
from exports.delivery.outcomes import Later, Redirected, Refused

API_VERSION = "2022-11-28"
PAGE = 30  # comments of 65,536 characters, each written as six bytes, stay below what an answer may have
MAX_PAGES = 100
MAX_SAID = 300  # characters of its own message that are passed on

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_SOURCE = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]*@)?(?P<host>[^/:@]+)(?::[0-9]+)?/|(?:[^@/:]+@)?(?P<scp>[^/:@]+):/?)"
    r"(?P<name>[^/]+/[^/]+?)(?:\.git)?/?"
)
_ENTERPRISE_CLOUD = re.compile(r"api\.(?P<web>[a-z0-9-]+\.ghe\.com)")
_HELP = {
    401: "GitHub does not take the token. Enter a new one for this target.",
    403: "The token may not do this; see the permissions that each action needs.",
    404: "GitHub knows no such repository or commit, or the token may not see it.",
    413: "GitHub finds the upload too large.",
    422: "GitHub cannot use what was sent.",
}
_WORDS = re.compile(r"rate limit|abuse", re.IGNORECASE)


class GitHub:
    """One repository, as one token sees it, within the time of one try."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        self._api = api.rstrip("/")
        self._repository = repository
        self._token = token.encode()
        self._root = f"{self._api}/repos/{repository}"
        self._line = Line(
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "X-GitHub-Api-Version": API_VERSION,
            }
        )

    def upload_sarif(self, body: dict[str, str], *, seconds: float) -> str:
        """Hand in an analysis and return the id under which it is worked on."""
        said = self._ask("POST", f"{self._root}/code-scanning/sarifs", body, seconds=seconds)
        found = said.get("id") if isinstance(said, dict) else None
        if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", found):
            raise Later("bad_answer", "GitHub took the upload and did not say under which id.")
        return found

    def sarif_state(self, upload: str) -> tuple[str, list[str]]:
        """Return (pending, complete or failed; what went wrong). An upload that is not known yet is pending."""
        answer = self._call("GET", f"{self._root}/code-scanning/sarifs/{upload}")
        if answer.status == 404:
            return "pending", []
        said = _read(answer)
        found = _object(said)
        errors = found.get("errors")
        shown = [_on_one_line(each) for each in errors[:5]] if isinstance(errors, list) else []
        return str(found.get("processing_status") or "pending"), shown

    def statuses(self, sha: str) -> list[dict[str, Any]]:
        """Return the latest statuses of a commit, one for each context; the first thirty."""
        said = self._ask("GET", f"{self._root}/commits/{sha}/status?per_page={PAGE}")
        return _objects(said.get("statuses") if isinstance(said, dict) else None)

    def set_status(self, sha: str, body: dict[str, str]) -> dict[str, Any]:
        """Add a status to a commit."""
        return _object(self._ask("POST", f"{self._root}/statuses/{sha}", body))

    def pulls_of(self, sha: str) -> list[dict[str, Any]]:
        """Return the pull requests that a commit belongs to; the first thirty."""
        return _objects(self._ask("GET", f"{self._root}/commits/{sha}/pulls?per_page={PAGE}"))

    def page_of(self, sha: str) -> str:
        """Return the address where people see a commit and its statuses."""
        parts = urlsplit(self._api)
        netloc = parts.netloc if parts.hostname == (web := web_host(self._api)) else web
        return f"{parts.scheme}://{netloc}/{self._repository}/commit/{sha}"

    def comments(self, number: int) -> Iterator[dict[str, Any]]:
        """Yield the comments of a pull request, oldest first. Raises Refused when it has more than 3,000."""
        for page in range(1, MAX_PAGES + 1):
            url = f"{self._root}/issues/{number}/comments?per_page={PAGE}&page={page}"
            found = _objects(self._ask("GET", url))
            yield from found
            if len(found) < PAGE:
                return
        raise Refused(
            "too_many_comments", f"Pull request {number} has more than {PAGE * MAX_PAGES:,} comments."
        )

    def comment(self, number: int, text: str) -> dict[str, Any]:
        """Add a comment to a pull request."""
        return _object(self._ask("POST", f"{self._root}/issues/{number}/comments", {"body": text}))

    def rewrite(self, comment: int, text: str) -> dict[str, Any] | None:
        """Give a comment another text; None where somebody has deleted it."""
        answer = self._call("PATCH", f"{self._root}/issues/comments/{comment}", {"body": text})
        return None if answer.status == 404 else _object(_read(answer))

    def whoami(self) -> int | None:
        """Return the id of the token's user; None for the token of an app's installation, which is none."""
        answer = self._call("GET", f"{self._api}/user")
        if answer.status == 403 and not _limited(answer):
            return None
        found = _object(_read(answer)).get("id")
        return found if isinstance(found, int) else None

    def _ask(self, method: str, url: str, body: Any = None, *, seconds: float = CALL_SECONDS) -> Any:
        return _read(self._call(method, url, body, seconds=seconds))

    def _call(self, method: str, url: str, body: Any = None, *, seconds: float = CALL_SECONDS) -> Answer:
        data = None if body is None else orjson.dumps(body)
        try:
            answer = self._line.call(method, url, data, seconds=seconds)
        except Redirected as error:
            raise Redirected(
                error.code, f"{error} It may be that the repository was renamed: then enter its new name."
            ) from None
        # What a server says is shown to members, and some say what they were told.
        return replace(answer, body=answer.body.replace(self._token, b"(token)"))


def web_host(api: str) -> str:
    """Return the host where repositories lie whose API is at this address."""
    host = (urlsplit(api).hostname or "").lower()
    if host == "api.github.com":
        return "github.com"
    match = _ENTERPRISE_CLOUD.fullmatch(host)
    return match["web"] if match else host


def repository_of(source: str, api: str) -> str | None:
    """Return owner/name of a source that lies on the server of this API, None for any other."""
    match = _SOURCE.fullmatch(source)
    if match is None or not NAME.fullmatch(match["name"]):
        return None
    return match["name"] if (match["host"] or match["scp"]).lower() == web_host(api) else None


def _read(answer: Answer) -> Any:
    """Return what a good answer says. Raises Refused or Later for any other."""
    if 200 <= answer.status < 300:
        try:
            return orjson.loads(answer.body) if answer.body else None
        except orjson.JSONDecodeError:
            raise Later("bad_answer", "GitHub's answer is no JSON.") from None
    said = _said(answer)
    if _limited(answer):
        raise Later("rate_limited", f"GitHub asks to wait{said}.", seconds=_wait(answer))
    code = f"http_{answer.status}"
    if answer.status in {408, 409, 425} or answer.status >= 500:
        raise Later(code, f"GitHub answered {answer.status}{said}.", seconds=retry_after(answer.headers))
    raise Refused(
        code, f"{_HELP.get(answer.status, f'GitHub answered {answer.status}.')} It said{said or ' nothing'}."
    )


def _limited(answer: Answer) -> bool:
    """True for the answer of a limit: 429, or a 403 that says so in its headers or words."""
    if answer.status != 403:
        return answer.status == 429
    headers = answer.headers
    return (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or bool(_WORDS.search(_said(answer)))
    )


def _wait(answer: Answer) -> float:
    """Return how many seconds to wait, as the reference asks: Retry-After, the limit's reset, else a minute."""
    if asked := retry_after(answer.headers):
        return asked
    reset = answer.headers.get("x-ratelimit-reset", "")
    if answer.headers.get("x-ratelimit-remaining") == "0" and re.fullmatch(r"[0-9]{1,12}", reset):
        return min(max(1.0, float(reset) - time.time()), LONGEST_WAIT)
    return 60.0


def _said(answer: Answer) -> str:
    """Return ': ' and the message of an answer on one line, empty where there is none."""
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    message = found.get("message") if isinstance(found, dict) else None
    text = _on_one_line(message or "").rstrip(".")
    return f": {text}" if text else ""


def _on_one_line(said: Any) -> str:
    """Return what can be seen of a text: a server may send anything, and the database takes no NUL."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(said)[:MAX_SAID]).split())


def _object(said: Any) -> dict[str, Any]:
    return said if isinstance(said, dict) else {}


def _objects(said: Any) -> list[dict[str, Any]]:
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []
