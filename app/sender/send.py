"""One attempt: a signed request, and what came of it. It never raises for what an endpoint does."""

import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from socket import socket
from typing import Any

from standardwebhooks import Webhook as Signer

from app.domain.times import utc_now
from app.domain.webhooks.deliveries import ANSWER_BYTES, Attempt, Delivery
from app.domain.webhooks.endpoints import Endpoint, ForbiddenEndpoint
from app.domain.webhooks.webhook import Webhook
from app.sender.connect import Connector, NotResolved
from app.sender.watchdog import TimeOver, Watchdog

#: The time for resolution, connection, TLS, sending and reading together.
ATTEMPT_SECONDS = 10.0
MEDIA_TYPE = "application/cloudevents+json"
USER_AGENT = "Wharf-Webhooks/1"

#: The code and the words of each fault. The first that fits counts.
FAULTS: tuple[tuple[type[Exception], str, str], ...] = (
    (TimeOver, "timed_out", "The attempt took longer than it may."),
    (NotResolved, "not_resolved", "The host has no address."),
    (ssl.SSLCertVerificationError, "certificate_refused", "The certificate is not valid for the host."),
    (ssl.SSLError, "tls_failed", "TLS could not be agreed on."),
    (HTTPException, "malformed_answer", "The answer is not HTTP, or broke off."),
    (OSError, "not_connected", "The connection was refused, or broke off."),
    (ValueError, "malformed_answer", "The answer is not HTTP, or broke off."),
)


class Sender:
    def __init__(
        self,
        connector: Connector,
        *,
        seconds: float = ATTEMPT_SECONDS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._connector = connector
        self._seconds = seconds
        self._clock = clock

    def send(self, webhook: Webhook, delivery: Delivery) -> Attempt:
        """Make one request, within the time for an attempt. Redirects are not followed."""
        at, began = self._clock(), time.perf_counter()
        outcome = self._outcome(webhook, delivery, at)
        return Attempt(at=at, seconds=time.perf_counter() - began, **outcome)

    def _outcome(self, webhook: Webhook, delivery: Delivery, at: datetime) -> dict[str, Any]:
        body = (delivery.event or "").encode()
        with Watchdog(self._seconds) as watchdog:
            try:
                endpoint, connection = self._connector.open(webhook.url, watchdog)
                with connection:
                    connection.settimeout(watchdog.seconds_left())
                    return _exchange(endpoint, connection, headers(webhook, delivery, at), body, watchdog)
            except ForbiddenEndpoint as forbidden:
                return {"error": "endpoint_forbidden", "detail": str(forbidden)}
            except tuple(kind for kind, _, _ in FAULTS) as fault:
                return _described(TimeOver() if watchdog.has_bitten else fault)


def headers(webhook: Webhook, delivery: Delivery, at: datetime) -> dict[str, str]:
    """Return the headers that sign a delivery with each secret that is alive (Standard Webhooks)."""
    text = delivery.event or ""
    signatures = [
        Signer(secret.text).sign(delivery.event_id, at, text) for secret in webhook.living_secrets(at)
    ]
    return {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": USER_AGENT,
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _exchange(
    endpoint: Endpoint, connection: socket, headers: Mapping[str, str], body: bytes, watchdog: Watchdog
) -> dict[str, Any]:
    """Return the status and how the answer begins. Raises TimeOver if its end comes too late."""
    http = HTTPConnection(endpoint.host, endpoint.port)
    http.sock = connection
    http.request(
        "POST", endpoint.target, body, {**headers, "Host": endpoint.authority, "Connection": "close"}
    )
    with http.getresponse() as response:
        answer = response.read(ANSWER_BYTES)
    watchdog.seconds_left()  # an answer that the watchdog cut off looks like a whole one
    return {"status": response.status, "answer": _as_text(answer)}


def _as_text(answer: bytes) -> str:
    """Return the bytes as text of at most ANSWER_BYTES in UTF-8."""
    text = answer.decode(errors="replace").replace("\x00", "\ufffd")
    return text.encode()[:ANSWER_BYTES].decode(errors="ignore")


def _described(fault: Exception) -> dict[str, Any]:
    code, words = next((code, words) for kind, code, words in FAULTS if isinstance(fault, kind))
    is_slow = isinstance(fault, TimeoutError)
    return _described(TimeOver()) if is_slow else {"error": code, "detail": words}
