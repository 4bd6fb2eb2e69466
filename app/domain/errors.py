"""Everything this service refuses to do, and why.

* WharfError
  + Refused                  trying the same again cannot help
    - InvalidInput           some fields are wrong; says which
    - InvalidCursor          damaged, another owner's, or for other filters
    - CursorExpired          events behind it may have been dropped
    - InvalidIdempotencyKey  empty, too long or not printable
    - InvalidPrecondition    If-Match or If-None-Match is not a list of entity tags
    - InvalidMediaType       the Content-Type of a payload is missing or malformed
    - EncodedBody            the body has a Content-Encoding
    - PartialBody            the body has a Content-Range: it is a part of a payload
    - IdempotencyKeyReused   the key belongs to a different body
    - Unauthenticated        the caller is unknown
    - Forbidden              another owner's things were asked for by name
    - NotFound               also for another owner's object
    - ObjectDeleted          only its tombstone is left
    - WrongState             the status does not allow the action
    - PartsMissing           an upload lacks parts; says which
    - TooManyChanges         the object has as many versions as an object may have
    - NoPayloadAllowed       objects of this kind have no payload
    - VersionMismatch        the object is not at the version that the client named
    - PayloadNotReady        no revision has become ready yet
    - QuotaExceeded          the owner would use more than the limit; says which
    - TooManyWebhooks        the owner has as many as an owner may have
    - TooManySecrets         as many sign as may sign at once
    - TooManyLinks           the object has as many links as an object may have
    - WebhookDisabled        nothing is sent until it is enabled
    - EventGone              the event that a replay would send was purged with its object
    - WebhooksOff            this deployment has no webhooks
    - StaleWrite             another writer wrote in between
    - UnknownMessage         no handler for this queue message
    - StillAtFault           a stream record that was set aside cannot be published now either; says why
    - InvalidPayload         the payload is wrong; carries a ProblemCode
      · OutOfTime            processing took longer than the time it was given
  + Unavailable              trying again may help
    - WorkerFault            the worker's own machine failed: no payload's fault, so not an attempt
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ProblemCode(StrEnum):
    """The reason why the newest revision of an object was rejected, failed or expired."""

    MEDIA_TYPE_MISMATCH = "media_type_mismatch"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    SIZE_MISMATCH = "size_mismatch"
    INVALID_CONTENT = "invalid_content"
    LIMIT_EXCEEDED = "limit_exceeded"
    PROCESSOR_CRASHED = "processor_crashed"
    UPLOAD_EXPIRED = "upload_expired"
    UPLOAD_CANCELLED = "upload_cancelled"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"


class WharfError(Exception):
    """The root of the tree; never raised itself."""

    #: True if its text may hold what a client sent, so it must not be logged.
    quotes_input = False


class Refused(WharfError):
    """Trying the same again cannot help."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: an RFC 6901 JSON pointer into the body, and what is wrong with it."""

    pointer: str
    detail: str


class InvalidInput(Refused):
    quotes_input = True

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.pointer}: {error.detail}" for error in errors))
        self.errors = tuple(errors)


class InvalidCursor(Refused):
    def __init__(self) -> None:
        super().__init__("The cursor is damaged, or belongs to another list.")


class CursorExpired(Refused):
    def __init__(self) -> None:
        super().__init__("Events behind this cursor are not kept any more.")


class InvalidIdempotencyKey(Refused):
    def __init__(self) -> None:
        super().__init__("An Idempotency-Key has 1 to 255 printable ASCII characters.")


class InvalidPrecondition(Refused):
    def __init__(self, header: str) -> None:
        super().__init__(f'{header} is * or a list of at most 100 entity tags like "3".')


class InvalidMediaType(Refused):
    def __init__(self) -> None:
        super().__init__(
            "Content-Type is not a media type: write a type, a slash and a subtype, such as text/csv, "
            "and give each parameter one value."
        )


class EncodedBody(Refused):
    """To unpack a body in the API would let a small one become a very large one."""

    def __init__(self) -> None:
        super().__init__("Send the body without Content-Encoding.")


class PartialBody(Refused):
    def __init__(self) -> None:
        super().__init__("A payload is replaced as a whole; send it without Content-Range.")


class IdempotencyKeyReused(Refused):
    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used with a different request body.")


class Unauthenticated(Refused):
    def __init__(self) -> None:
        super().__init__("The request does not say who the caller is.")


class Forbidden(Refused):
    def __init__(self) -> None:
        super().__init__("Only an admin may read what belongs to another owner.")


class NotFound(Refused):
    def __init__(self, what: str = "object") -> None:
        super().__init__(f"There is no such {what}.")


class ObjectDeleted(Refused):
    def __init__(self, what: str = "object") -> None:
        super().__init__(f"The {what} created with this Idempotency-Key was deleted.")


class WrongState(Refused):
    def __init__(self, action: str, status: str) -> None:
        super().__init__(f"An object that is {status} does not allow: {action}.")


class PartsMissing(Refused):
    """`numbers` are those of the first parts that are missing, of `count` in all."""

    def __init__(self, numbers: Sequence[int], count: int) -> None:
        are_missing = "part of the payload is missing" if count == 1 else "parts of the payload are missing"
        super().__init__(f"{count} {are_missing}.")
        self.numbers = tuple(numbers)


class TooManyChanges(Refused):
    """A history without an end could neither be read nor removed in reasonable time."""

    def __init__(self, versions: int) -> None:
        super().__init__(f"The object has {versions} versions or more; it can only be read or deleted.")


class NoPayloadAllowed(Refused):
    def __init__(self, kind: str) -> None:
        super().__init__(f"An object of kind {kind} has no payload.")


class VersionMismatch(Refused):
    def __init__(self, current: int, what: str = "object") -> None:
        super().__init__(f"The {what} is at version {current}, which the request does not allow.")
        self.current = current


class PayloadNotReady(Refused):
    def __init__(self, status: str) -> None:
        super().__init__(f"No payload of this object is ready yet; its status is {status}.")


class QuotaExceeded(Refused):
    """`unit` is `objects` or `bytes`."""

    def __init__(self, *, used: int, limit: int, unit: str) -> None:
        super().__init__(f"You use {used} of at most {limit} {unit}; this would take more than is left.")
        self.used = used
        self.limit = limit
        self.unit = unit


class TooManyWebhooks(Refused):
    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit} webhooks, and may have no more.")


class TooManyLinks(Refused):
    def __init__(self, limit: int) -> None:
        super().__init__(f"The object has {limit} links, and may have no more.")


class TooManySecrets(Refused):
    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} secrets sign already. Wait until the oldest ends.")


class WebhookDisabled(Refused):
    def __init__(self) -> None:
        super().__init__("The webhook is disabled, so nothing is sent.")


class EventGone(Refused):
    def __init__(self) -> None:
        super().__init__("The event was removed with its object, and cannot be sent again.")


class WebhooksOff(Refused):
    def __init__(self) -> None:
        super().__init__("This deployment has no webhooks.")


class StaleWrite(Refused):
    def __init__(self) -> None:
        super().__init__("The object was changed by another writer.")


class UnknownMessage(Refused):
    """The message stays in the queue and ends, visible, in the dead-letter queue."""


class StillAtFault(Refused):
    """The record stays where it is kept, and so do later ones of its object."""


class InvalidPayload(Refused):
    """The payload is wrong: its object is rejected with this code and detail."""

    quotes_input = True

    def __init__(self, code: ProblemCode, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class OutOfTime(InvalidPayload):
    """Counts against the payload only if it had its full time allowance."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            ProblemCode.LIMIT_EXCEEDED, f"Processing this payload took longer than {seconds:g} s."
        )


class Unavailable(WharfError):
    """AWS throttled, timed out or is away; trying again may help."""


class WorkerFault(Unavailable):
    """The worker's disk is full or its machine fails. It counts as an attempt of nobody's payload."""
