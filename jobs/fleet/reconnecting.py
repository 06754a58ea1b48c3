"""Lets a worker that loses its broker with jobs under way connect again at once, instead of when they have ended."""

from __future__ import annotations

import structlog
from kombu.transport import redis

log = structlog.get_logger(__name__)


class PatientQoS(redis.QoS):
    """Gives unacknowledged messages back when a channel closes, as far as the broker can be reached."""

    def restore_unacked(self, client: object = None) -> None:
        """Give them back, or forget them here.

        The consumer closes its channel because the broker is away, where giving back must fail. What that raises is not
        always what Celery expects of a lost connection; it then ends the consumer, and waits for the running jobs
        before the process ends and another begins. What is forgotten is no loss: messages are hints, and the broker has
        them until their visibility ends.
        """
        try:
            super().restore_unacked(client)
        except Exception as error:  # noqa: BLE001  (whatever it is, the channel must close)
            log.warning("messages not given back", action="close", error=str(error))
            if self._delivered is not None:
                self._delivered.clear()

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message, unless its channel has closed: a job may end long after its connection."""
        if not self.channel.closed:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Reject a message, unless its channel has closed."""
        if not self.channel.closed:
            super().reject(delivery_tag, requeue)


def connect() -> None:
    """Have the channels of this process use it."""
    redis.Channel.QoS = PatientQoS
