"""Who is told, what is to be told, and every attempt to tell it."""

from webhooks.models.deliveries import (
    ENDED,
    HELD,
    OPEN,
    SHOWN,
    Attempt,
    Delivery,
    DeliveryQuerySet,
    DeliveryStatus,
    Message,
)
from webhooks.models.endpoints import Endpoint, EndpointQuerySet, EndpointRun
from webhooks.models.inbound import (
    InboundDelivery,
    InboundKind,
    InboundOutcome,
    InboundSource,
    InboundSourceQuerySet,
)
from webhooks.models.statistics import AttemptHour

__all__ = [
    "ENDED",
    "HELD",
    "OPEN",
    "SHOWN",
    "Attempt",
    "AttemptHour",
    "Delivery",
    "DeliveryQuerySet",
    "DeliveryStatus",
    "Endpoint",
    "EndpointQuerySet",
    "EndpointRun",
    "InboundDelivery",
    "InboundKind",
    "InboundOutcome",
    "InboundSource",
    "InboundSourceQuerySet",
    "Message",
]
