"""The request of a delivery as it would be sent now, signed, for who wants to send it by hand."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace

from webhooks import headers
from webhooks.exceptions import IllegalState
from webhooks.models import Delivery
from webhooks.sending.claim import Leased
from webhooks.sending.letter import signed
from webhooks.sending.letters import letters


@dataclass(frozen=True, slots=True)
class Request:
    """A request; the values of the endpoint's own headers are masked, and no secret is in it."""

    url: str
    headers: dict[str, str]
    body: bytes


def as_sent(delivery: Delivery) -> Request:
    """Return the request of a delivery, signed at this moment by the secrets that sign now.

    Raises IllegalState for one that has no number yet, and where the secrets cannot be read.
    """
    if delivery.sequence is None:
        raise IllegalState("The delivery was not sent yet; its number is given when it is.")
    leased = Leased(
        delivery=delivery.pk,
        endpoint=delivery.endpoint_id,
        sequence=delivery.sequence,
        attempts=delivery.attempts,
        probe=False,
        message=str(delivery.message.uid),
        body=bytes(delivery.message.body),
        token=uuid.uuid4(),
    )
    ((_leased, letter),) = letters([leased])
    if letter is None:
        raise IllegalState(
            "The endpoint's secrets cannot be read; CC_ENCRYPTION_KEYS lacks the key they need."
        )
    letter = replace(letter, headers=headers.masked(letter.headers))
    return Request(letter.url, signed(letter, int(time.time())), letter.body)
