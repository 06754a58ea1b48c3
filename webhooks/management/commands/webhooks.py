"""`manage.py webhooks list|test|drain|listen`: webhooks for whoever sits at a terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from commandcenter.core.actor import acting_as
from commandcenter.core.encryption import DecryptionFailed
from commandcenter.core.fields import MAX_ID
from commandcenter.core.signing import key_of
from commandcenter.outbound import is_allowed
from jobs.terminal.wording import plain
from webhooks.exceptions import IllegalState
from webhooks.models import OPEN, Endpoint
from webhooks.resending import send_test
from webhooks.sending.drain import drain
from webhooks.sending.recording import Recorded
from webhooks.sending.trust import UnusableCertificate
from webhooks.terminal.serving import LOOPBACK, Listener, Manner
from webhooks.terminal.table import table
from webhooks.terminal.wording import Arrival, Palette, shown, summary

DONE, REFUSED, BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141
MAX_LISTED, MAX_WAIT, MAX_DELAY, MAX_PORT = 1_000, 3_600, 300, 65_535
POLL_SECONDS = 0.2
STEP_SECONDS = 10.0


class Command(BaseCommand):
    """End with 0 done, 1 refused, failed or not verified, 2 bad input, 130 interrupted."""

    help = (
        "List endpoints, send one a test, send what is due in the foreground, and receive webhooks on this machine. Exit "
        "status: 0 done, 1 refused, failed, or not verified, 2 bad input, 130 interrupted."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="list|test|drain|listen")
        listing = actions.add_parser("list", help="the newest endpoints")
        listing.add_argument("--limit", type=int, default=50, help=f"1 to {MAX_LISTED:,} (default: 50)")
        test = actions.add_parser("test", help="send an endpoint a test, and say how the first attempt went")
        test.add_argument("endpoint")
        test.add_argument("--seconds", type=float, default=60, help="how long to wait (default: 60)")
        actions.add_parser("drain", help="send what is due, without a worker, until nothing is")
        listen = actions.add_parser("listen", help="receive on the loopback address, verify, and print")
        listen.add_argument("--port", type=int, default=8800, help="0: any that is free (default: 8800)")
        listen.add_argument("--secret", action="append", default=[], help="whsec_...; may repeat")
        listen.add_argument("--endpoint", metavar="ID", help="take the secrets of this endpoint")
        listen.add_argument("--status", type=int, default=204, help="of each answer (default: 204)")
        listen.add_argument("--delay", type=float, default=0, metavar="SECONDS", help="before each answer")
        listen.add_argument("--count", type=int, metavar="N", help="end after so many requests")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run one action."""
        try:
            with acting_as(name="command line"):
                status = getattr(self, f"_{options['action']}")(options)
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever read our output has enough. Python would complain when it flushes at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = BROKEN_PIPE
        except KeyboardInterrupt:
            status = INTERRUPTED
        except DatabaseError as error:
            self._end(REFUSED, f"The database does not answer: {str(error).splitlines()[0]}")
        if status:
            sys.exit(status)

    def _list(self, options: dict[str, Any]) -> int:
        if not 1 <= options["limit"] <= MAX_LISTED:
            self._end(BAD_INPUT, f"--limit must lie between 1 and {MAX_LISTED:,}.")
        rows = Endpoint.objects.without_secrets().select_related("project", "run").order_by("-pk")
        found = list(rows[: options["limit"]])
        if not found:
            self.stderr.write("There are no endpoints.")
        for line in table(found) if found else ():
            self.stdout.write(line)
        return DONE

    def _test(self, options: dict[str, Any]) -> int:
        if not 0 <= options["seconds"] <= MAX_WAIT:
            self._end(BAD_INPUT, f"--seconds must lie between 0 and {MAX_WAIT:,}.")
        try:
            delivery = send_test(self._endpoint(options["endpoint"]), by=None)
        except IllegalState as error:
            self._end(REFUSED, str(error))
        self.stdout.write(f"Delivery {delivery.pk} is due.")
        until = time.monotonic() + options["seconds"]
        while time.monotonic() < until:
            delivery.refresh_from_db()
            if delivery.attempts or delivery.status not in OPEN:
                break
            time.sleep(POLL_SECONDS)
        if not delivery.attempts:
            self._end(REFUSED, "Nobody has sent it yet: does a worker of the queue webhooks run?")
        if delivery.last_error or delivery.last_status is None:
            self._end(REFUSED, f"Failed: {plain(delivery.last_error)}")
        self.stdout.write(f"The receiver answered {delivery.last_status}.")
        return DONE

    def _drain(self, options: dict[str, Any]) -> int:
        total, more = Recorded(), True
        try:
            while more:
                done, more = drain(STEP_SECONDS)
                total.add(done)
        except UnusableCertificate as error:
            self._end(REFUSED, str(error))
        said = f"{total.succeeded:,} succeeded, {total.failed:,} failed"
        self.stdout.write(said + (f", {total.exhausted:,} of them for good" if total.exhausted else "") + ".")
        return REFUSED if total.failed else DONE

    def _listen(self, options: dict[str, Any]) -> int:
        self._check(options)
        listener = Listener(
            keys=list(self._keys(options)),
            say=self._say(options),
            manner=Manner(options["status"], options["delay"]),
            most=options["count"],
        )
        try:
            asyncio.run(self._hear(listener, options["port"]))
        except OSError as error:
            self._end(REFUSED, f"Port {options['port']} cannot be listened on: {error.strerror}; see --port.")
        self.stdout.write(summary(listener.tally))
        return DONE if listener.tally.verified == listener.tally.requests else REFUSED

    async def _hear(self, listener: Listener, port: int) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, listener.stop.set)
        await listener.run(port, self._ready)

    def _ready(self, port: int) -> None:
        self.stdout.write(f"Listening on http://{LOOPBACK}:{port}/ (Ctrl+C ends it)")
        if not is_allowed(LOOPBACK, settings.OUTBOUND_ALLOW):
            self.stdout.write(f"An endpoint may be there once CC_OUTBOUND_ALLOW names {LOOPBACK}/32.")
        self.stdout.flush()

    def _say(self, options: dict[str, Any]) -> Any:
        plain_wanted = options["no_color"] or os.environ.get("NO_COLOR")
        coloured = options["force_color"] or (self.stdout.isatty() and not plain_wanted)
        palette = Palette.coloured() if coloured else Palette()

        def say(arrival: Arrival) -> None:
            for line in shown(arrival, palette):
                self.stdout.write(line)
            self.stdout.flush()

        return say

    def _check(self, options: dict[str, Any]) -> None:
        if not 0 <= options["port"] <= MAX_PORT:
            self._end(BAD_INPUT, f"--port must lie between 0 and {MAX_PORT}.")
        if not 200 <= options["status"] <= 599:
            self._end(BAD_INPUT, "--status must lie between 200 and 599.")
        if not 0 <= options["delay"] <= MAX_DELAY:
            self._end(BAD_INPUT, f"--delay must lie between 0 and {MAX_DELAY} seconds.")
        if options["count"] is not None and options["count"] < 1:
            self._end(BAD_INPUT, "--count must be 1 or more.")
        if not options["secret"] and not options["endpoint"]:
            self._end(BAD_INPUT, "Give --secret whsec_..., or --endpoint ID.")

    def _keys(self, options: dict[str, Any]) -> Iterator[bytes]:
        try:
            yield from map(key_of, options["secret"])
        except ValueError as error:
            self._end(BAD_INPUT, str(error))
        if not options["endpoint"]:
            return
        endpoint = self._endpoint(options["endpoint"])
        try:
            yield key_of(endpoint.secret)
            if (
                endpoint.previous_until
                and endpoint.previous_until > timezone.now()
                and endpoint.previous_secret
            ):
                yield key_of(endpoint.previous_secret)
        except DecryptionFailed:
            self._end(REFUSED, "Its secrets cannot be read: CC_ENCRYPTION_KEYS lacks the key.")

    def _endpoint(self, given: str) -> Endpoint:
        found = None
        if given.isascii() and given.isdigit() and len(given) <= 19 and int(given) <= MAX_ID:
            found = Endpoint.objects.without_secrets().filter(pk=int(given)).first()
        if found is None:
            self._end(BAD_INPUT, f"There is no endpoint {given!r}; `manage.py webhooks list` shows them.")
        return found

    def _end(self, status: int, message: str) -> NoReturn:
        self.stderr.write(message)
        sys.exit(status)
