"""An example of every problem document, in the words that the service uses."""

from typing import Any

from app.api.answers import ANSWERS, HTTP_ANSWERS, PAGES
from app.api.examples import REQUEST_ID
from app.domain import errors

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
    errors.StaleWrite(),
    errors.Unavailable("AWS is busy."),
)
_DETAILS = {ANSWERS[type(sample)].code: str(sample) for sample in _SAMPLES} | {
    "invalid_input": "Field required",
    "malformed_json": "The request body is not valid JSON.",
    "method_not_allowed": "This path does not have this method.",
}
_FIELDS = {"errors": [{"pointer": "/name", "detail": "Field required"}]}


def _example(code: str) -> dict[str, Any]:
    answer = PAGES[code]
    return {
        "type": f"/problems/{code}",
        "title": answer.title,
        "status": answer.status,
        "detail": _DETAILS.get(code, answer.advice),
        "code": code,
        "request_id": REQUEST_ID,
        **(_FIELDS if code == HTTP_ANSWERS[422].code else {}),
    }


EXAMPLES = {code: _example(code) for code in PAGES}
