"""Webhooks in the admin."""

from webhooks.admin.endpoints import EndpointAdmin
from webhooks.admin.inbound import InboundDeliveryAdmin, InboundSourceAdmin
from webhooks.admin.sent import AttemptAdmin, DeliveryAdmin, MessageAdmin

__all__ = [
    "AttemptAdmin",
    "DeliveryAdmin",
    "EndpointAdmin",
    "InboundDeliveryAdmin",
    "InboundSourceAdmin",
    "MessageAdmin",
]
