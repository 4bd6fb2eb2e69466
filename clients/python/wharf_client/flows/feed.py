"""Read the feed of events page by page."""

import time
from collections.abc import Iterable
from typing import Any

from wharf_client.flows import objects
from wharf_client.models import FeedPage
from wharf_client.retries import Retries
from wharf_client.steps import Flow, Pause

#: The pause between two questions where the service does not wait.
ASK_AGAIN_SECONDS = 2.0


def next_page(
    after: str | None, types: Iterable[str], kind: str | None, wait_seconds: int, retries: Retries
) -> Flow[FeedPage]:
    """Return what follows in the feed; waits for it up to `wait_seconds`, here if not at the service."""
    query: dict[str, Any] = {"after": after, "kind": kind, "types": ",".join(types) or None}
    query["wait"] = wait_seconds or None
    asked = time.monotonic()
    page: FeedPage = yield from objects.request(
        "GET", "/v1/events", retries, query=query, waits_seconds=wait_seconds
    )
    took = time.monotonic() - asked
    is_empty = not page["items"] and not page["has_more"]
    # After `latest` the first page is empty at once, and the next one must not be late.
    if is_empty and after not in (None, "latest") and took < min(1, wait_seconds):
        yield Pause(min(ASK_AGAIN_SECONDS, wait_seconds))
    return page
