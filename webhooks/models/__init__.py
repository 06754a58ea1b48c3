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
from webhooks.models.endpoints import SECRETS, Endpoint, EndpointQuerySet, EndpointRun
from webhooks.models.inbound import (
    InboundDelivery,
    InboundKind,
    InboundOutcome,
    InboundSource,
    InboundSourceQuerySet,
)
from webhooks.models.notices import Notice, NoticeKind
from webhooks.models.resendings import (
    UNDER_WAY,
    Resending,
    ResendingKind,
    ResendingQuerySet,
    ResendingState,
)
from webhooks.models.statistics import AttemptHour

__all__ = [
    "ENDED",
    "HELD",
    "OPEN",
    "SECRETS",
    "SHOWN",
    "UNDER_WAY",
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
    "Notice",
    "NoticeKind",
    "Resending",
    "ResendingKind",
    "ResendingQuerySet",
    "ResendingState",
]
