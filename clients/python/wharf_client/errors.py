"""Everything that can go wrong.

* WharfError
  + Refused              the service says no, and trying again cannot help
    - NotFound           404: not there, or another owner's
    - Forbidden          401, 403: who asks is unknown, or may not
    - Conflict           409, 412: not now, or not this version
  + Unavailable          the service is busy or not reached, after all retries
  + StorageRefused       storage does not take or give the bytes
  + SourceChanged        a file changed while it was uploaded, or a payload while it was downloaded
  + ObjectNotReady       the object ended as rejected, failed or expired
  + TimedOut             the object is still pending or processing
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from wharf_client.models import Object


class WharfError(Exception):
    """Anything that this client raises."""


class Refused(WharfError):
    """The service answered with a problem (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        #: The stable name for programs.
        self.code: str = problem.get("code", "unknown")
        self.request_id: str | None = problem.get("request_id")
        errors = problem.get("errors", ())
        detail = problem.get("detail") or problem.get("title") or "no reason given"
        # The detail of a single error is often that of the whole.
        told = [] if [one["detail"] for one in errors] == [detail] else [detail]
        wrong = [f"{one['pointer']}: {one['detail']}" for one in errors]
        super().__init__(f"{status} {self.code}: {'; '.join([*told, *wrong])}")


class NotFound(Refused):
    """No such thing exists, or it is another owner's."""


class Forbidden(Refused):
    """The credentials are missing, unknown, or not enough."""


class Conflict(Refused):
    """The object's status or version does not allow it."""


class Unavailable(WharfError):
    """The service is busy or cannot be reached, and all retries are used up."""


class StorageRefused(WharfError):
    """Storage answered a presigned URL with an error."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        told = body[:500].decode(errors="replace")
        # S3 answers XML, in which this element is the sentence.
        message = re.search(r"<Message>([^<]+)</Message>", told)
        super().__init__(f"Storage answered {status}: {unescape(message[1]) if message else told}")


class SourceChanged(WharfError):
    """The bytes are no longer those that were declared."""


class ObjectNotReady(WharfError):
    """The object ended as `rejected`, `failed` or `expired`; `object` has its problem."""

    def __init__(self, stored: Object) -> None:
        self.object = stored
        problem = stored["problem"]
        why = f"{problem['code']}: {problem['detail']}" if problem else "no reason given"
        super().__init__(f"{stored['id']} is {stored['status']}, {why}")


class TimedOut(WharfError):
    """The time that the caller gave is over; the object goes on without you."""
