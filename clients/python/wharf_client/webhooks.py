"""Tells a genuine webhook from a forged one (Standard Webhooks)."""

from collections.abc import Mapping

from standardwebhooks import Webhook, WebhookVerificationError

from wharf_client.errors import WharfError
from wharf_client.models import Event


class NotGenuine(WharfError):
    """The request was not signed with this secret, or not just now."""


def verify(secret: str, body: bytes, headers: Mapping[str, str]) -> Event:
    """Return the event of a webhook. Raises NotGenuine.

    `body` is what arrived, unchanged. A webhook older than five minutes is refused.
    """
    named = {name.lower(): value for name, value in headers.items()}
    try:
        event: Event = Webhook(secret).verify(body, named)
    except (WebhookVerificationError, ValueError) as forged:
        raise NotGenuine(str(forged)) from None
    return event
