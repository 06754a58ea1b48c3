"""Brings schedules into every state that pages show, on a running platform and by real runs."""

from __future__ import annotations

from typing import Any

from tests.e2e.api import call
from tests.embedded.running import Up, until


class SchedulesScene:
    """Makes schedules through the API as an administrator; `pages` names those that are worth a look."""

    def __init__(self, up: Up, token: str) -> None:
        """Take a platform that analysed its first repository, and a token."""
        self._up, self._token = up, token
        self.project = int(self.get("analyses?status=complete")["results"][-1]["project"])
        self.repository = int(self.get(f"repositories?project={self.project}")["results"][-1]["id"])
        self.pages: dict[str, str] = {}

    def make(self) -> None:
        """Make every state. Takes some seconds."""
        self.pages["schedules-none"] = "schedules/?q=nothing"
        healthy = self.schedule("Nightly analysis", tags=["nightly", "core"], jitter_seconds=600)
        self.ran(healthy, "succeeded")
        dead = self.post(
            "repositories",
            {"project": self.project, "name": "archive-of-2019", "source": "git://127.0.0.1:1/gone.git"},
        )["id"]
        failing = self.schedule(
            "Weekly look at the archive", repository=dead, parameters={"repository": dead, "ref": "", "force": True},
            frequency="weekly", weekday=7, pause_after_failures=5,
        )  # fmt: skip
        self.ran(failing, "failed")
        paused = self.schedule(
            "Month's end",
            job_type="batch_analysis",
            parameters={"all": True},
            frequency="monthly",
            month_day="last",
        )
        self.post(
            "schedules/blackouts",
            {
                "project": self.project, "schedule": paused, "starts_at": "2990-12-24T00:00:00Z",
                "ends_at": "2990-12-27T00:00:00Z", "reason": "Holidays",
            },
        )  # fmt: skip
        self.post(
            f"schedules/{paused}/disable", {"reason": "The warehouse moves until the middle of the month."}
        )
        new = self.schedule(
            "Working days, in the evening", frequency="cron", cron="*/20 * * * MON-FRI", window_start="18:00",
            window_end="23:00", timezone="America/New_York", description="Before the other half of the team begins.",
        )  # fmt: skip
        self.pages |= {
            "schedules": "schedules/",
            "schedules-failing": "schedules/?health=failing",
            "schedule-healthy": f"schedules/{healthy}/",
            "schedule-failing": f"schedules/{failing}/",
            "schedule-paused": f"schedules/{paused}/",
            "schedule-new": f"schedules/{new}/",
            "schedule-form": "schedules/new/",
            "schedule-edit": f"schedules/{new}/edit/",
            "overview-schedules": "",
        }

    def schedule(self, name: str, **values: Any) -> int:
        """Make a schedule, of an analysis in the night unless told otherwise."""
        body = {
            "project": self.project,
            "name": name,
            "job_type": "analysis",
            "parameters": {"repository": self.repository, "ref": "", "force": True},
            "frequency": "daily",
            "timezone": "Europe/Berlin",
        }
        if values.get("frequency") != "cron":
            body["time"] = "02:30"
        made: int = self.post("schedules", body | values)["id"]
        return made

    def ran(self, schedule: int, status: str) -> None:
        """Run it now and wait until that run stands so."""
        self.post(f"schedules/{schedule}/execute", {})
        until(lambda: self.newest(schedule) == status, f"the run of schedule {schedule}: {status}")

    def newest(self, schedule: int) -> str:
        """Return how its newest run stands."""
        found = self.get(f"schedules/{schedule}/firings")["results"]
        return str(found[0]["status"]) if found else ""

    def get(self, path: str) -> Any:
        """Return what the API says."""
        return call(self._up, path, token=self._token)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Tell the API."""
        return call(self._up, path, body, token=self._token)
