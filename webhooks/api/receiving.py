"""POST /webhooks/github/{repository} and /webhooks/gitlab/{repository}: pushes, told by those who know the secret."""

from __future__ import annotations

import time
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commandcenter.core.actor import acting_as, current_actor
from commandcenter.core.addresses import client_address
from commandcenter.core.fields import MAX_ID
from commandcenter.core.negotiation import NoNegotiation
from commandcenter.core.problems import PayloadTooLarge, Problem, TooManyRequests
from commandcenter.core.ratelimits import spend
from commandcenter.core.renderers import OrjsonRenderer
from webhooks.api import examples
from webhooks.api.inbound_shapes import InboundAnswerSerializer
from webhooks.exceptions import UnreadableDelivery
from webhooks.inbound import pushes, reading, verifying
from webhooks.inbound.receiving import find, receive
from webhooks.models import InboundDelivery, InboundKind, InboundOutcome, InboundSource

_PUSH_AT_GITHUB = OpenApiExample(
    "A push, as far as it is read",
    value=examples.PUSH_AT_GITHUB,
    request_only=True,
)
_PUSH_AT_GITLAB = OpenApiExample(
    "A push, as far as it is read",
    value=examples.PUSH_AT_GITLAB,
    request_only=True,
)
_STARTED = OpenApiExample(
    "An analysis is queued",
    value=examples.STARTED,
    response_only=True,
    status_codes=("200", "202"),
)
_REPOSITORY = OpenApiParameter("repository", OpenApiTypes.INT64, OpenApiParameter.PATH)


def _header(name: str, description: str, *, required: bool = True) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, required=required, description=description)


class Receiver(APIView):
    """What both have in common. Nobody is signed in here: the signature is what counts, and it comes first."""

    http_method_names = ["post"]
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = ()
    renderer_classes = (OrjsonRenderer,)
    content_negotiation_class = NoNegotiation

    kind: ClassVar[InboundKind]

    def claims(self, headers: Any) -> bool:
        """Tell whether there is anything to be verified."""
        raise NotImplementedError

    def holds(self, headers: Any, body: bytes, secrets: tuple[str, str]) -> bool:
        """Tell whether the sender knows one of the secrets."""
        raise NotImplementedError

    def read(self, request: HttpRequest, body: bytes) -> tuple[str, pushes.Told]:
        """Return the id of the delivery and what it tells. Raises UnreadableDelivery."""
        raise NotImplementedError

    def take(self, request: Request, repository: str) -> Response:
        """Verify, read, write down, answer."""
        http = request._request
        _spend(http, "inbound_address", f"address:{client_address(http)}")
        if not self.claims(http.headers):
            _refuse()
        body = _body(http)
        # The bound keeps ids that no row can have from the database.
        source, secrets = find(self.kind, min(int(repository), MAX_ID))
        if not self.holds(http.headers, body, secrets) or source is None:
            _refuse()
        _spend(http, "inbound", f"source:{source.pk}")
        try:
            delivery, told = self.read(http, body)
        except UnreadableDelivery as error:
            unsupported = error.code == "unsupported_media_type"
            raise Problem(str(error), code=error.code, status=415 if unsupported else 400) from None
        actor = current_actor()
        with acting_as(name=self.kind.label, request_id=actor.request_id, address=actor.address):
            try:
                received, repeated = receive(source, delivery, told)
            except InboundSource.DoesNotExist:
                _refuse()
        return _answer(received, repeated=repeated)


class GitHubReceiver(Receiver):
    """Pushes that GitHub tells of."""

    kind = InboundKind.GITHUB

    @extend_schema(
        parameters=[
            _REPOSITORY,
            _header("X-Hub-Signature-256", "sha256= and the HMAC of the body with the source's secret."),
            _header("X-GitHub-Event", "push starts an analysis, ping is answered, others are written down."),
            _header("X-GitHub-Delivery", "Its id; a repetition is answered as the first was."),
        ],
        request={reading.JSON: OpenApiTypes.OBJECT, reading.FORM: OpenApiTypes.OBJECT},
        responses={202: InboundAnswerSerializer, 200: InboundAnswerSerializer, 401: None},
        examples=[_PUSH_AT_GITHUB, _STARTED],
        auth=[],
    )
    def post(self, request: Request, repository: str) -> Response:
        """Start an analysis of what was pushed to a watched branch. The signature is all that is asked for."""
        return self.take(request, repository)

    def claims(self, headers: Any) -> bool:
        return verifying.claims_github(headers)

    def holds(self, headers: Any, body: bytes, secrets: tuple[str, str]) -> bool:
        return verifying.sent_by_github(headers, body, secrets)

    def read(self, request: HttpRequest, body: bytes) -> tuple[str, pushes.Told]:
        event = reading.event_of(request.headers, "X-GitHub-Event")
        delivery = reading.github_delivery(request.headers)
        if event == pushes.GITHUB_PING:
            return delivery, pushes.Told(event)
        if event != pushes.GITHUB_PUSH:
            return delivery, pushes.other(event, pushes.GITHUB_PUSH)
        payload = reading.payload_of(body, request.headers.get("Content-Type", ""), forms=True)
        return delivery, pushes.of_github(event, payload)


class GitLabReceiver(Receiver):
    """Pushes that GitLab tells of."""

    kind = InboundKind.GITLAB

    @extend_schema(
        parameters=[
            _REPOSITORY,
            _header("X-Gitlab-Token", "The source's secret, where no signature is sent.", required=False),
            _header(
                "webhook-signature", "As Standard Webhooks says, with the source's secret.", required=False
            ),
            _header("X-Gitlab-Event", "Push Hook starts an analysis, others are written down."),
            _header("Idempotency-Key", "A repetition is answered as the first was.", required=False),
        ],
        request={reading.JSON: OpenApiTypes.OBJECT},
        responses={202: InboundAnswerSerializer, 401: None},
        examples=[_PUSH_AT_GITLAB, _STARTED],
        auth=[],
    )
    def post(self, request: Request, repository: str) -> Response:
        """Start an analysis of what was pushed to a watched branch. Token or signature are all that is asked for."""
        return self.take(request, repository)

    def claims(self, headers: Any) -> bool:
        return verifying.claims_gitlab(headers)

    def holds(self, headers: Any, body: bytes, secrets: tuple[str, str]) -> bool:
        return verifying.sent_by_gitlab(headers, body, secrets, time.time())

    def read(self, request: HttpRequest, body: bytes) -> tuple[str, pushes.Told]:
        event = reading.event_of(request.headers, "X-Gitlab-Event")
        delivery = reading.gitlab_delivery(request.headers, body)
        if event != pushes.GITLAB_PUSH:
            return delivery, pushes.other(event, pushes.GITLAB_PUSH)
        payload = reading.payload_of(body, request.headers.get("Content-Type", ""), forms=False)
        return delivery, pushes.of_gitlab(event, payload)


def _spend(request: HttpRequest, name: str, key: str) -> None:
    """Count the request, and note the tightest limit for the headers. Raises TooManyRequests."""
    usage = spend(request, name, key, fail_open=False)
    if usage is None:
        return
    before = getattr(request, "rate_limit_usage", None)
    if before is None or usage.remaining < before.remaining:
        request.rate_limit_usage = usage  # type: ignore[attr-defined]
    if not usage.allowed:
        detail = f"Too many deliveries in a short time. Try again in {usage.reset} s."
        raise TooManyRequests(detail, retry_after=usage.reset)


def _body(request: HttpRequest) -> bytes:
    """Return the raw body; what is larger than the limit is not read. Raises PayloadTooLarge."""
    limit: int = settings.INBOUND_BODY_BYTES
    declared = request.META.get("CONTENT_LENGTH") or ""
    if (
        declared.isascii()
        and declared.isdigit()
        and (len(declared) > len(str(limit)) or int(declared) > limit)
    ):
        raise PayloadTooLarge(f"The body is larger than {limit} bytes.")
    return request.read(limit)


def _refuse() -> NoReturn:
    """Answer 401, with the same words whether there is no such source or the secret is another."""
    detail = "There is no such source, or the request was not signed with its secret."
    raise Problem(detail, code="not_verified", status=status.HTTP_401_UNAUTHORIZED)


def _answer(received: InboundDelivery, *, repeated: bool) -> Response:
    shown = {
        "received": received.pk,
        "outcome": received.outcome,
        "reason": received.reason or None,
        "detail": received.detail,
        "job": received.job_id,
        "repeated": repeated,
    }
    ping = received.outcome == InboundOutcome.PING
    return Response(shown, status=status.HTTP_200_OK if ping else status.HTTP_202_ACCEPTED)
