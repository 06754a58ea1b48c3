"""Brings exports and deliveries into every state on a running platform, by real work and a double of GitHub."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from commandcenter.embedded.environment import database_url
from commandcenter.embedded.layout import Layout
from exports.tests.github import OWNER_REPO, TOKEN, Double
from tests.e2e.api import call
from tests.embedded.running import Up, until

SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


class ExportsScene:
    """Makes exports through the API as an administrator; `pages` names those that are worth a look."""

    def __init__(self, up: Up, token: str, hub: Double) -> None:
        """Take a platform that analysed project 1, a token, and where to deliver."""
        self._up, self._token, self._hub = up, token, hub
        self.analysis: dict[str, Any] = self.get("analyses?status=complete")["results"][-1]
        self.project = int(self.analysis["project"])
        self.pages: dict[str, str] = {}

    def make(self) -> None:
        """Make every state. Takes about half a minute."""
        delivered = self._delivered()
        several = self._ended(self.ask(analyses=[self.analysis["id"]], format="markdown"))
        portfolio = self._ended(self.ask(project=self.project, format="excel"))
        failed = self._failed()
        expired = self._ended(self.ask(analyses=[self.analysis["id"]], format="html"))
        with psycopg.connect(database_url(Layout(self._up.data))) as connection:
            connection.execute("UPDATE exports_export SET expires_at = now() WHERE id = %s", [expired])
        self._torn()
        self.post("queues/export/pause", {"reason": "the artifact disk is being moved"})
        waiting = self.ask(analyses=[self.analysis["id"]], format="csv", options={"export_type": "findings"})
        cancelled = self.ask(analyses=[self.analysis["id"]], format="cyclonedx")
        self.post(f"jobs/{self.get(f'exports/{cancelled}')['job']}/cancel", {})
        self.pages |= {
            "exports": "exports/",
            "exports-none": "exports/?status=failed&format=csv",
            "exports-failed": "exports/?status=failed",
            "export-completed": f"exports/{several}/",
            "export-deliveries": f"exports/{delivered}/",
            "export-portfolio": f"exports/{portfolio}/",
            "export-failed": f"exports/{failed}/",
            "export-expired": f"exports/{expired}/",
            "export-waiting": f"exports/{waiting}/",
            "export-cancelled": f"exports/{cancelled}/",
            "project-targets": f"projects/{self.project}/",
        }

    def end(self) -> None:
        """Let exports be made again."""
        self.post("queues/export/resume", {})

    def ask(self, **body: Any) -> int:
        """Ask for an export in the background and return its id."""
        made: int = self.post("exports", body)["export"]["id"]
        return made

    def get(self, path: str) -> Any:
        """Return what the API says."""
        return call(self._up, path, token=self._token)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Tell the API."""
        return call(self._up, path, body, token=self._token)

    def _delivered(self) -> int:
        """An export that went well to a webhook and to GitHub, was refused by one, and is tried again with another."""
        self._hub.fail("POST", "^/hook-gone", (410, b""))
        self._hub.fail("POST", "^/hook-busy", (503, b"", {"Retry-After": "3600"}))
        self._hub.open_pull(7, self.analysis["commit"])
        targets = [
            self._target("Audit archive", kind="webhook", url=f"{self._hub.url}/hook", token=SECRET),
            self._target("Former dashboard", kind="webhook", url=f"{self._hub.url}/hook-gone", token=SECRET),
            self._target("Nightly reports", kind="webhook", url=f"{self._hub.url}/hook-busy", token=SECRET),
            self._target(
                "Pull requests", kind="github", url=f"{self._hub.url}/api/v3", repository=OWNER_REPO,
                token=TOKEN, actions=["code_scanning", "status", "comment"],
            ),
        ]  # fmt: skip
        export = self.ask(analyses=[self.analysis["id"]], format="sarif", deliver=targets)
        wanted = {"succeeded": 1, "failed": 1}

        def reached() -> bool:
            rows = self.get(f"exports/{export}/deliveries")["results"]
            states = [row["status"] for row in rows]
            tried = all(row["attempts"] for row in rows)
            return tried and all(states.count(name) >= count for name, count in wanted.items())

        until(reached, "the deliveries")
        return export

    def _target(self, name: str, **values: Any) -> int:
        made: int = self.post("delivery-targets", {"project": self.project, "name": name, **values})["id"]
        return made

    def _failed(self) -> int:
        """An export whose analysis was deleted while it waited."""
        small = self.get(f"repositories/{self.analysis['repository']}")["source"]
        project = self.post("projects", {"name": "Short-lived", "slug": "short-lived"})["id"]
        body = {"project": project, "name": "short-lived", "source": small}
        repository = self.post("repositories", body)["id"]
        job = self.post(f"repositories/{repository}/analyze", {})["id"]
        until(lambda: self.get(f"jobs/{job}")["is_terminal"], "the analysis")
        analysis = self.get(f"analyses?repository={repository}")["results"][0]["id"]
        self.post("queues/export/pause", {"reason": "to be overtaken"})
        export = self.ask(analyses=[analysis], format="json")
        call(self._up, f"repositories/{repository}", token=self._token, method="DELETE")
        self.post("queues/export/resume", {})
        return self._ended(export)

    def _torn(self) -> None:
        """An analysis of a repository in which not every file can be read."""
        folder = self._up.data.parent / "torn"
        _write_torn(folder)
        body = {"project": self.project, "name": "torn", "source": str(folder)}
        repository = self.post("repositories", body)["id"]
        job = self.post(f"repositories/{repository}/analyze", {})["id"]
        until(lambda: self.get(f"jobs/{job}")["is_terminal"], "the analysis of a torn repository")
        analysis = self.get(f"analyses?repository={repository}")["results"][0]["id"]
        self.pages["unread"] = f"analyses/{analysis}/unread/"

    def _ended(self, export: int) -> int:
        ended = ("completed", "failed", "cancelled")
        until(lambda: self.get(f"exports/{export}")["status"] in ended, f"the end of export {export}")
        return export


def _write_torn(folder: Path) -> None:
    (folder / "web").mkdir(parents=True)
    (folder / "web" / "package.json").write_text('{"dependencies": {')
    (folder / "broken.py").write_text("def half(:\n")
    name = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for argv in (["init", "-q"], ["add", "."], [*name, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *argv], cwd=folder, check=True, timeout=30, stdin=subprocess.DEVNULL)
