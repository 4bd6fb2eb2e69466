"""Moments as the service keeps and shows them: UTC, to the millisecond.

The text form sorts like the moments, so it also serves as an index key.
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time cut to milliseconds, so that a moment is the same after it was stored."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds: 2026-03-01T09:30:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
