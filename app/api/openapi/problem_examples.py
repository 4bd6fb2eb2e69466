"""An example of every problem document, in the words that the service uses."""

from typing import Any

from app.api.openapi.examples import REQUEST_ID
from app.api.problems.catalogue import ANSWERS, PAGES
from app.api.problems.document import quota_members
from app.domain import errors

QUOTA = errors.QuotaExceeded(used=1_073_000_000, limit=1_073_741_824, unit="bytes")
_SAMPLES: tuple[errors.WharfError, ...] = (
    errors.InvalidCursor(),
    errors.InvalidIdempotencyKey(),
    errors.InvalidPrecondition("If-Match"),
    errors.InvalidMediaType(),
    errors.IdempotencyKeyReused(),
    errors.Unauthenticated(),
    errors.Forbidden(),
    errors.NotFound(),
    errors.ObjectDeleted(),
    errors.WrongState("reprocess", "processing"),
    errors.NoPayloadAllowed("record"),
    errors.VersionMismatch(4),
    errors.PayloadNotReady("pending"),
    QUOTA,
    errors.StaleWrite(),
    errors.Unavailable("AWS is busy."),
)
_DETAILS = {ANSWERS[type(sample)].code: str(sample) for sample in _SAMPLES} | {
    "invalid_input": "Field required",
    "malformed_json": "The request body is not valid JSON.",
    "method_not_allowed": "This path does not have this method.",
}
_MEMBERS: dict[str, dict[str, Any]] = {
    "invalid_input": {"errors": [{"pointer": "/name", "detail": "Field required"}]},
    "quota_exceeded": quota_members(QUOTA),
}


def _example(code: str) -> dict[str, Any]:
    answer = PAGES[code]
    return {
        "type": f"/problems/{code}",
        "title": answer.title,
        "status": answer.status,
        "detail": _DETAILS.get(code, answer.advice),
        "code": code,
        "request_id": REQUEST_ID,
        **_MEMBERS.get(code, {}),
    }


EXAMPLES = {code: _example(code) for code in PAGES}
