"""The live views: one job to its end without a gap, the jobs of a project, and its activity stream."""

from __future__ import annotations

import asyncio
from typing import Any

from commandcenter.inventory.models import Project
from jobs import history
from jobs.live.sockets import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_FOUND,
    TOO_SLOW,
    Closing,
    Recheck,
    Socket,
    decoded,
    in_database,
)
from jobs.models import TERMINAL, Job


class JobSocket(Socket):
    """`/ws/jobs/{id}?after=SEQ`: `connected`, what came after SEQ, then everything as it happens.

    Hints only save a query: whatever is missing between two of them is read from the database, so a lost, doubled
    or late one, or a buffer that ran over, leaves no gap and no duplicate.
    """

    buffer_size = 32  # a hint may hold 64 kB; what does not fit is read from the database
    page = 200  # events in memory while a client takes its time

    job: Job
    sent: int

    async def open(self) -> str:
        """Check that the job is visible."""
        self.after = self.number("after")
        self.job_id = int(self.scope["url_route"]["kwargs"]["job_id"])
        if await in_database(self._read)() is None:
            raise Closing(NOT_FOUND, "There is no such job.")
        return history.job_group(self.job_id)

    async def serve(self) -> None:
        """Send the snapshot, then events until the terminal one."""
        # Read after the group was joined: what happens from here on is in the row or in a hint.
        job = await self._visible()
        last = job.run.last_seq
        await self.send(
            {
                "type": "connected",
                "job_id": job.pk,
                "seq": last,
                "status": job.status,
                "progress": job.run.progress,
                "current_step": job.run.current_step,
                "is_terminal": job.is_terminal,
            }
        )
        self.ended = False
        if self.after is not None:
            self.sent = min(self.after, last)
            self.ended = job.is_terminal and self.sent == last  # the client has it all
        else:
            self.sent = last - 1 if job.is_terminal else last
        await self._catch_up()
        recheck = Recheck(self.scope)
        while not self.ended:
            try:
                hint = await asyncio.wait_for(self.hints.get(), recheck.wait_seconds)
            except TimeoutError:
                hint = None
            if await recheck.due():
                await self._visible()
                await self._catch_up()
            if hint is not None:
                await self._follow(hint)
            if self.overflowed and self.hints.empty():
                self.overflowed = False  # before the query: what is dropped from here on sets it again
                await self._catch_up()

    async def _follow(self, hint: dict[str, Any]) -> None:
        if hint["last_seq"] <= self.sent:
            return
        messages = decoded(hint["events"]) if hint["events"] else []
        if not messages or messages[0]["seq"] > self.sent + 1:
            await self._catch_up()
        for message in messages:
            if message["seq"] == self.sent + 1:
                await self._pass_on(message)

    async def _catch_up(self) -> None:
        """Send from the database whatever is there above the last number sent."""
        while not self.ended:
            messages = await in_database(self._missing)()
            for message in messages:
                await self._pass_on(message)
            if len(messages) < self.page:
                return

    async def _pass_on(self, message: dict[str, Any]) -> None:
        await self.send(message)
        self.sent = message["seq"]
        self.ended = message["type"] in TERMINAL

    async def _visible(self) -> Job:
        job: Job | None = await in_database(self._read)()
        if job is None:
            exists = await in_database(Job.objects.filter(pk=self.job_id).exists)()
            raise Closing(FORBIDDEN if exists else NOT_FOUND, "You may not see this job any more.")
        return job

    def _read(self) -> Job | None:
        visible = Job.objects.visible_to(self.user, token_projects=self.token_projects)
        return visible.select_related("run").filter(pk=self.job_id).first()

    def _missing(self) -> list[dict[str, Any]]:
        # The events first: a result that is there when the job is read must not be missing in its last event.
        events = list(history.events_after(Job(pk=self.job_id), self.sent, self.page))
        if not events:
            return []
        job = Job.objects.filter(pk=self.job_id).first()
        return [history.message(event, job) for event in events] if job else []


class ProjectSocket(Socket):
    """A stream of a project's news from now on. What was missed while away is read from the lists of the API."""

    async def open(self) -> str:
        """Check that the project is visible."""
        project_id = self.number("project")
        if project_id is None:
            raise Closing(BAD_REQUEST, "Say which project, as in ?project=1.")
        self.project_id = project_id
        if not await in_database(self._may_see)():
            raise Closing(NOT_FOUND, "There is no such project.")
        return self.group()

    def group(self) -> str:
        """Return the group of the stream."""
        raise NotImplementedError

    def shown(self, hint: dict[str, Any]) -> dict[str, Any] | str:
        """Return what the client gets for a hint."""
        raise NotImplementedError

    async def serve(self) -> None:
        """Forward until the client goes, or falls behind by more than the buffer."""
        await self.send({"type": "connected", "project": self.project_id})
        recheck = Recheck(self.scope)
        while True:
            try:
                hint = await asyncio.wait_for(self.hints.get(), recheck.wait_seconds)
            except TimeoutError:
                hint = None
            if await recheck.due() and not await in_database(self._may_see)():
                raise Closing(FORBIDDEN, "You may not see this project any more.")
            if hint is not None:
                await self.send(self.shown(hint))
            if self.overflowed:
                raise Closing(TOO_SLOW, "Too many messages were not taken in time.")

    def _may_see(self) -> bool:
        visible = Project.objects.visible_to(self.user, token_projects=self.token_projects)
        return visible.filter(pk=self.project_id).exists()


class ProjectJobsSocket(ProjectSocket):
    """`/ws/jobs?project=ID`: a short summary of each job that changes."""

    def group(self) -> str:
        """Return the group of the project's jobs."""
        return history.project_group(self.project_id)

    def shown(self, hint: dict[str, Any]) -> str:
        """Return the summary as it was published."""
        summary: str = hint["summary"]
        return summary


class ProjectEventsSocket(ProjectSocket):
    """`/ws/events?project=ID`: the activity stream."""

    def group(self) -> str:
        """Return the group of the project's events."""
        return f"project.{self.project_id}.events"

    def shown(self, hint: dict[str, Any]) -> dict[str, Any]:
        """Return the event as the activity list shows it."""
        event: dict[str, Any] = hint["event"]
        return event
