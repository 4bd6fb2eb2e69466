"""Decides whether and when to try again. Every request of this client may be repeated."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wharf_client.steps import Answer, Outcome

BUSY = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is."""

    attempts: int = 6
    #: The first pause; each next one is at most twice as long.
    first_seconds: float = 0.5
    longest_seconds: float = 20
    #: A `Retry-After` above this is an error at once.
    patience_seconds: float = 120


def pause_after(outcome: Outcome, attempt: int, retries: Retries) -> float | None:
    """Return how long to wait before the next attempt, or None if there is none; `attempt` counts from 1."""
    if isinstance(outcome, Answer) and outcome.status not in BUSY:
        return None
    if attempt >= retries.attempts:
        return None
    longest = min(retries.first_seconds * 2 ** (attempt - 1), retries.longest_seconds)
    pause = random.uniform(longest / 2, longest)  # noqa: S311  # spreads clients, keeps no secret
    asked = retry_after(outcome.headers) if isinstance(outcome, Answer) else None
    if asked is None:
        return pause
    return max(asked, pause) if asked <= retries.patience_seconds else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a `Retry-After` header (RFC 9110), which may be a number or a date."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
