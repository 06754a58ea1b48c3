"""Brings endpoints of webhooks into every state that pages show, on a running platform and by real deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from commandcenter.embedded import ports
from tests.e2e.api import call
from tests.embedded.running import Up, until
from webhooks.tests.receiver import Receiver, answers

TESTS = 12  # more than the breaker wants to see before it opens


def this_morning() -> str:
    """Return the beginning of the day, UTC."""
    return f"{datetime.now(UTC):%Y-%m-%dT00:00:00Z}"


class WebhooksScene:
    """Makes endpoints through the API as an administrator; `pages` names those that are worth a look."""

    def __init__(self, up: Up, token: str, receiver: Receiver) -> None:
        """Take a platform that analysed its first repository, a token, and who is told."""
        self._up, self._token, self.receiver = up, token, receiver
        self.project = int(self.get("analyses?status=complete")["results"][-1]["project"])
        self.pages: dict[str, str] = {}

    def make(self) -> None:
        """Make every state. Takes some seconds."""
        broken = answers(503, b"\xff\xfe\x00 no text", content_type="application/octet-stream")
        self.receiver.of_path |= {
            "/broken": broken,
            "/broken?token=6f1c": broken,
            "/fine": answers(200, b'{"taken": true}', content_type="application/json"),
        }
        self.pages["webhooks-none"] = "webhooks/?q=nothing"
        healthy = self.endpoint(
            "/fine", description="The on-call bot", headers={"Authorization": "Bearer 6f1c"}
        )
        arrived = self.tested(healthy, "succeeded")
        failing = self.endpoint(
            "/broken", description="Tickets", events=["*.failed", "finding.*"], rate_limit=600, ordered=True,
            conditions={"min_severity": "high", "repository_tags": ["core", "web"]},
        )  # fmt: skip
        failed = self.tested(failing, "pending")
        dead = self.endpoint("", url=f"http://127.0.0.1:{ports.choose()}/nobody/listens/here")
        for _ in range(TESTS):
            self.post(f"webhooks/endpoints/{dead}/test", {})
        until(lambda: len(self.attempted(dead)) >= TESTS - 2, "the circuit to open")
        disabled = self.endpoint("/broken?token=6f1c", description="The chat of the old team")
        held = self.tested(disabled, "pending")
        self.patch(disabled, {"enabled": False, "disabled_reason": "The team has moved to another chat."})
        self.post(f"webhooks/endpoints/{healthy}/recover", {"since": this_morning()})
        unused = self.endpoint("/new", description="A script that nobody has called yet", events=["policy.*"])
        repository = int(self.get(f"repositories?project={self.project}")["results"][-1]["id"])
        source = self.post(
            "webhooks/inbound", {"repository": repository, "kind": "gitlab", "branches": ["main"]}
        )
        self.pages |= {
            "inbound": f"webhooks/inbound/{source['id']}/",
            "repository-inbound": f"repositories/{repository}/",
            "webhooks": "webhooks/",
            "webhooks-open": "webhooks/?state=open",
            "endpoint-healthy": f"webhooks/{healthy}/",
            "endpoint-failing": f"webhooks/{failing}/",
            "endpoint-open": f"webhooks/{dead}/",
            "endpoint-disabled": f"webhooks/{disabled}/",
            "endpoint-unused": f"webhooks/{unused}/",
            "endpoint-again": f"webhooks/{healthy}/again/?status=succeeded",
            "endpoint-form": "webhooks/new/",
            "endpoint-edit": f"webhooks/{failing}/edit/",
            "delivery-arrived": f"webhooks/deliveries/{arrived}/",
            "delivery-failed": f"webhooks/deliveries/{failed}/",
            "delivery-held": f"webhooks/deliveries/{held}/",
            "delivery-curl": f"webhooks/deliveries/{arrived}/curl/",
            "answer-text": f"webhooks/deliveries/{arrived}/attempts/1/",
            "answer-bytes": f"webhooks/deliveries/{failed}/attempts/1/",
            "overview-webhooks": "",
        }

    def endpoint(self, path: str, **values: Any) -> int:
        """Make an endpoint of the receiver that is told everything unless told otherwise."""
        body = {"project": self.project, "url": f"{self.receiver.url}{path}", "events": ["*"]}
        made: int = self.post("webhooks/endpoints", body | values)["id"]
        return made

    def tested(self, endpoint: int, status: str) -> int:
        """Send a test and wait until that was tried and stands so; return the delivery."""
        delivery: int = self.post(f"webhooks/endpoints/{endpoint}/test", {})["id"]

        def stands() -> bool:
            found = self.get(f"webhooks/deliveries/{delivery}")
            return bool(found["attempts"]) and found["status"] == status

        until(stands, f"delivery {delivery}: {status}")
        return delivery

    def attempted(self, endpoint: int) -> list[Any]:
        """Return the newest deliveries of an endpoint that were tried."""
        found = self.get(f"webhooks/deliveries?endpoint={endpoint}")["results"]
        return [each for each in found if each["attempts"]]

    def get(self, path: str) -> Any:
        """Return what the API says."""
        return call(self._up, path, token=self._token)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Tell the API."""
        return call(self._up, path, body, token=self._token)

    def patch(self, endpoint: int, body: dict[str, Any]) -> None:
        """Change an endpoint."""
        call(self._up, f"webhooks/endpoints/{endpoint}", body, token=self._token, method="PATCH")
