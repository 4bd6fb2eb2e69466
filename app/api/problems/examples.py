"""An example of each problem's details, for the page about it and for the OpenAPI document."""

from typing import Any

from app.api.problems.catalogue import ANSWERS, PAGES
from app.api.problems.details import parts_members, problem_type, quota_members
from app.domain import errors

REQUEST_ID = "6f2d2c1e-93a4-4f0a-8b0e-0d9a3c1f7b52"

QUOTA = errors.QuotaExceeded(used=1_073_000_000, limit=1_073_741_824, unit="bytes")
PARTS = errors.PartsMissing((3, 4), 2)
SAMPLES: tuple[errors.WharfError, ...] = (
    errors.InvalidCursor(),
    errors.CursorExpired(),
    errors.InvalidIdempotencyKey(),
    errors.InvalidPrecondition("If-Match"),
    errors.InvalidMediaType(),
    errors.EncodedBody(),
    errors.PartialBody(),
    errors.IdempotencyKeyReused(),
    errors.Unauthenticated(),
    errors.Forbidden(),
    errors.NotFound(),
    errors.ObjectDeleted(),
    errors.WrongState("reprocess", "processing"),
    PARTS,
    errors.TooManyChanges(10_000),
    errors.NoPayloadAllowed("record"),
    errors.VersionMismatch(4),
    errors.PayloadNotReady("pending"),
    QUOTA,
    errors.TooManyWebhooks(16),
    errors.TooManyLinks(100),
    errors.TooManySecrets(4),
    errors.WebhookDisabled(),
    errors.EventGone(),
    errors.WebhooksOff(),
    errors.StaleWrite(),
    errors.Unavailable("AWS is busy."),
)
#: The detail of each example, by problem code. An example without one shows the advice instead.
DETAILS = {ANSWERS[type(sample)].code: str(sample) for sample in SAMPLES} | {
    "invalid_input": "`name` is required",
    "malformed_json": "The request body is not valid JSON: expected value at line 2 column 9.",
    "method_not_allowed": "This path does not have this method.",
}
#: The members that only some problems have.
MEMBERS: dict[str, dict[str, Any]] = {
    "invalid_input": {"errors": [{"pointer": "/name", "detail": "`name` is required"}]},
    "quota_exceeded": quota_members(QUOTA),
    "parts_missing": parts_members(PARTS),
}

#: An example of every problem's details, by code.
PROBLEMS: dict[str, Any] = {
    code: {
        "type": problem_type("", code),
        "title": answer.title,
        "status": answer.status,
        "detail": DETAILS.get(code, answer.advice),
        "code": code,
        "request_id": REQUEST_ID,
        **MEMBERS.get(code, {}),
    }
    for code, answer in PAGES.items()
}
