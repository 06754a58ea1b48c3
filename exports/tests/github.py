"""A double of GitHub's REST API, as far as deliveries use it, written from its public reference.

It answers over HTTP on the loopback address, refuses what the reference refuses, and remembers what it was told.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_double"
OWNER_REPO = "octo/billing"
ME = 7
_REF = re.compile(r"refs/(heads|tags)/.+|refs/pull/[0-9]+/(head|merge)")
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Slow(Exception):
    """The double drips its answer."""


class Closes(Exception):
    """The double closes the line without a word."""


@dataclass
class Double:
    """What lies on this GitHub, and what it was asked."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    hooks: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    working: int = 1  # polls for which an upload is pending
    sarif_errors: list[str] = field(default_factory=list)
    faults: list[tuple[str, str, Any]] = field(
        default_factory=list
    )  # method, pattern of the path, answer; used once
    app: bool = False  # the token is that of an app's installation
    end: threading.Event = field(default_factory=threading.Event)

    def fail(self, method: str, pattern: str, answer: Any, times: int = 1) -> None:
        """Answer the next such requests with this, or with an exception's behaviour."""
        self.faults += [(method, pattern, answer)] * times

    def open_pull(self, number: int, sha: str, state: str = "open") -> None:
        self.pulls.setdefault(sha, []).append({"number": number, "state": state, "head": {"sha": sha}})
        self.comments.setdefault(number, [])

    def posted(self, method: str, part: str) -> int:
        """How often such a request came."""
        return sum(m == method and part in path for m, path in self.asked)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        self.asked.append((method, target))
        self.headers.append(headers)
        for place, (verb, pattern, answer) in enumerate(self.faults):
            if verb == method and re.search(pattern, target):
                del self.faults[place]
                if isinstance(answer, type):
                    raise answer
                if callable(answer):
                    return answer(self, method, target, headers, body)  # type: ignore[no-any-return]
                return answer  # type: ignore[no-any-return]
        if parts.path.startswith("/hook"):
            self.hooks.append((headers, body))
            return 204, b""
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        assert headers["accept"] == "application/vnd.github+json"
        assert headers["x-github-api-version"] == "2022-11-28"
        assert headers["user-agent"].startswith("command-center/")
        said = json.loads(body) if body else None
        return self._route(method, parts.path.removeprefix("/api/v3"), parse_qs(parts.query), said)

    def _route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        if path == "/user":
            if self.app:
                return 403, {"message": "Resource not accessible by integration"}
            return 200, {"id": ME, "login": "hubot", "type": "User"}
        root = f"/repos/{OWNER_REPO}"
        if not path.startswith(f"{root}/"):
            return 404, {"message": "Not Found"}
        rest = path.removeprefix(root)
        for verb, pattern, handler in (
            ("POST", r"/code-scanning/sarifs", self._upload),
            ("GET", r"/code-scanning/sarifs/([^/]+)", self._state),
            ("POST", r"/statuses/([0-9a-f]{40})", self._set_status),
            ("GET", r"/commits/([0-9a-f]{40})/status", self._statuses),
            ("GET", r"/commits/([0-9a-f]{40})/pulls", self._pulls),
            ("GET", r"/issues/([0-9]+)/comments", self._comments),
            ("POST", r"/issues/([0-9]+)/comments", self._comment),
            ("PATCH", r"/issues/comments/([0-9]+)", self._edit),
        ):
            match = re.fullmatch(pattern, rest)
            if match and verb == method:
                return handler(*match.groups(), query=query, body=body)
        return 404, {"message": "Not Found"}

    def _upload(self, *, query: Any, body: Any) -> Answer:
        if not re.fullmatch(r"[0-9a-f]{40}", body["commit_sha"]) or not _REF.fullmatch(body["ref"]):
            return 422, {"message": "commit_sha or ref is invalid"}
        try:
            packed = base64.b64decode(body["sarif"], validate=True)
            document = json.loads(gzip.decompress(packed))
        except (binascii.Error, gzip.BadGzipFile, ValueError) as error:
            return 400, {"message": f"sarif: {error}"}
        if len(packed) > 10 << 20:
            return 413, {"message": "The SARIF file is too large."}
        assert document["version"] == "2.1.0"
        key = f"47177e22-{len(self.uploads)}"
        self.uploads[key] = {**body, "document": document, "polls": 0}
        return 202, {"id": key, "url": f"{self.url}/repos/{OWNER_REPO}/code-scanning/sarifs/{key}"}

    def _state(self, key: str, *, query: Any, body: Any) -> Answer:
        upload = self.uploads.get(key)
        if upload is None:
            return 404, {"message": "Not Found"}
        upload["polls"] += 1
        if upload["polls"] <= self.working:
            return 200, {"processing_status": "pending"}
        if self.sarif_errors:
            return 200, {"processing_status": "failed", "analyses_url": None, "errors": self.sarif_errors}
        return 200, {"processing_status": "complete", "analyses_url": f"{self.url}/analyses", "errors": None}

    def _set_status(self, sha: str, *, query: Any, body: Any) -> Answer:
        if body["state"] not in {"error", "failure", "pending", "success"} or len(body["description"]) > 140:
            return 422, {"message": "Validation Failed"}
        row = {**body, "id": 1, "url": f"{self.url}/repos/{OWNER_REPO}/statuses/{sha}"}
        self.statuses.setdefault(sha, []).append(row)
        return 201, row

    def _statuses(self, sha: str, *, query: Any, body: Any) -> Answer:
        latest = {row["context"]: row for row in self.statuses.get(sha, [])}
        return 200, {"state": "success", "sha": sha, "statuses": list(latest.values())}

    def _pulls(self, sha: str, *, query: Any, body: Any) -> Answer:
        return 200, self.pulls.get(sha, [])

    def _comments(self, number: str, *, query: Any, body: Any) -> Answer:
        rows = self.comments.get(int(number))
        if rows is None:
            return 404, {"message": "Not Found"}
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return 200, rows[size * (page - 1) : size * page]

    def _comment(self, number: str, *, query: Any, body: Any) -> Answer:
        if not body["body"].strip() or len(body["body"]) > 65_536:
            return 422, {"message": "Validation Failed"}
        key = 1000 + sum(map(len, self.comments.values()))
        author = {"id": 900, "type": "Bot"} if self.app else {"id": ME, "type": "User"}
        page = f"https://github.example/{OWNER_REPO}/pull/{number}#issuecomment-{key}"
        row = {"id": key, "body": body["body"], "user": author, "html_url": page}
        self.comments[int(number)].append(row)
        return 201, row

    def _edit(self, key: str, *, query: Any, body: Any) -> Answer:
        for row in (row for rows in self.comments.values() for row in rows if row["id"] == int(key)):
            row["body"] = body["body"]
            return 200, row
        return 404, {"message": "Not Found"}


@contextmanager
def github() -> Iterator[Double]:
    """Serve a GitHub of its own."""
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, content, *more = double.answer(self.command, self.path, headers, body)
            except Closes:
                self.close_connection = True
                return
            except Slow:
                self.send_response(200)
                self.end_headers()
                while not double.end.wait(0.05):
                    self.wfile.write(b" ")
                return
            data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
            self.send_response(status)
            for name, value in more[0].items() if more else ():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815  (names that the library looks for)

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its parent's name)
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    double.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        double.end.set()
        http.shutdown()
        http.server_close()
        thread.join(5)


def in_an_hour() -> str:
    """A limit's reset, as its header says it."""
    return str(int(time.time()) + 3600)
