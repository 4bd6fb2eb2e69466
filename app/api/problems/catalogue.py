"""The one table from errors to answers: status, code, title, and what to do about it."""

from dataclasses import dataclass

from app.domain import errors


@dataclass(frozen=True, slots=True)
class Answer:
    """How one problem is answered."""

    status: int
    code: str
    title: str
    #: Tells the reader of the problem's page what to do.
    advice: str


#: Every leaf of the error tree that a request can meet.
ANSWERS: dict[type[errors.WharfError], Answer] = {
    errors.InvalidInput: Answer(
        422,
        "invalid_input",
        "The input is invalid",
        "`errors` names each wrong field by a JSON pointer into the body, or by `/query/<name>`.",
    ),
    errors.InvalidCursor: Answer(
        400,
        "invalid_cursor",
        "The cursor is invalid",
        "Take `next_cursor` as it is from the page before, with the same filters and the same caller.",
    ),
    errors.CursorExpired: Answer(
        410,
        "cursor_expired",
        "The cursor is too old",
        "Events are kept for 30 days. List your objects to see what they are now, and follow the events from "
        "`after=latest`, which you ask for before you list.",
    ),
    errors.InvalidIdempotencyKey: Answer(
        400,
        "invalid_idempotency_key",
        "The Idempotency-Key is invalid",
        "Send 1 to 255 printable ASCII characters, for example a UUID.",
    ),
    errors.InvalidPrecondition: Answer(
        400,
        "invalid_precondition",
        "The precondition is invalid",
        "Send `*`, or entity tags as they came in `ETag`, quotes included, with commas between.",
    ),
    errors.InvalidMediaType: Answer(
        415,
        "invalid_media_type",
        "The payload's media type is malformed",
        "Send the payload's media type, such as `text/csv`, as `Content-Type`, or leave `Content-Type` out.",
    ),
    errors.EncodedBody: Answer(
        415,
        "encoded_body",
        "The body is encoded",
        "Send the body as it is. `gzip` and the like are not unpacked; a packed file is a payload as it is.",
    ),
    errors.PartialBody: Answer(
        400,
        "partial_body",
        "The body is a part of a payload",
        "Send the whole payload, or ask for an upload URL for a large one.",
    ),
    errors.IdempotencyKeyReused: Answer(
        422,
        "idempotency_key_reused",
        "The Idempotency-Key was used for another request",
        "Use a new key for a new object. To repeat a request, send exactly the same body.",
    ),
    errors.Unauthenticated: Answer(
        401, "unauthenticated", "The caller is unknown", "Send the credentials that this service asks for."
    ),
    errors.Forbidden: Answer(
        403,
        "forbidden",
        "Not allowed",
        "You are known, but your policy, token or group does not allow this. Ask the operator.",
    ),
    errors.NotFound: Answer(
        404,
        "not_found",
        "Not found",
        "It never existed, was deleted, or belongs to somebody else.",
    ),
    errors.ObjectDeleted: Answer(
        409,
        "object_deleted",
        "The object was deleted",
        "The object of this Idempotency-Key was deleted. Use a new key for a new object.",
    ),
    errors.WrongState: Answer(
        409,
        "wrong_state",
        "The object's status does not allow this",
        "Read the object; wait until it is no longer `pending` or `processing`, then try again.",
    ),
    errors.PartsMissing: Answer(
        409,
        "parts_missing",
        "The upload lacks parts",
        "`missing` names the first 100 of them. Upload them to URLs from `upload/parts`, and complete again.",
    ),
    errors.TooManyChanges: Answer(
        409,
        "too_many_changes",
        "The object was changed too often",
        "Create a new object and delete this one. For data that changes all the time, create an object for "
        "each state.",
    ),
    errors.NoPayloadAllowed: Answer(
        409,
        "no_payload_allowed",
        "Objects of this kind have no payload",
        "`GET /v1/kinds` tells which kinds have payloads.",
    ),
    errors.VersionMismatch: Answer(
        412,
        "version_mismatch",
        "The object is at another version",
        "The object is not in the state that `If-Match` or `If-None-Match` asks for. `ETag` is its version "
        "now. Read it, and apply your change again.",
    ),
    errors.PayloadNotReady: Answer(
        409,
        "payload_not_ready",
        "No payload is ready yet",
        "Read the object until its status is `ready`; `problem` says why it may never be.",
    ),
    errors.QuotaExceeded: Answer(
        403,
        "quota_exceeded",
        "Your quota would be exceeded",
        "`used` and `limit` are counted in `unit`. Delete what you do not need and try again after a few "
        "seconds, or ask the operator for more.",
    ),
    errors.TooManyWebhooks: Answer(
        409,
        "too_many_webhooks",
        "You have too many webhooks",
        "Delete one that you do not need. One webhook may be told of several types and kinds.",
    ),
    errors.TooManyLinks: Answer(
        409,
        "too_many_links",
        "The object has too many links",
        "Revoke one that you do not need, or let it end. One link may be given to many people.",
    ),
    errors.TooManySecrets: Answer(
        409,
        "too_many_secrets",
        "Too many secrets sign",
        "Each secret signs for 24 hours after it was replaced. Wait until the oldest ends.",
    ),
    errors.WebhookDisabled: Answer(
        409,
        "webhook_disabled",
        "The webhook is disabled",
        'Send a PATCH with `{"enabled": true}` first; `disabled` says why it is not.',
    ),
    errors.EventGone: Answer(
        409,
        "event_gone",
        "The event is gone",
        "The history of an object goes with the object. Its deletion is an event of its own.",
    ),
    errors.WebhooksOff: Answer(
        404,
        "webhooks_off",
        "This deployment has no webhooks",
        "Ask the operator to deploy with `Webhooks=on`, or poll.",
    ),
    errors.StaleWrite: Answer(
        409,
        "concurrent_change",
        "Others keep changing the object",
        "Try again. With `If-Match` you are told at once if somebody else changed the object first.",
    ),
    errors.Unavailable: Answer(
        503,
        "unavailable",
        "Try again in a moment",
        "AWS is busy or does not answer. Wait for the seconds in `Retry-After`. Repeating a create is safe "
        "with an Idempotency-Key.",
    ),
}

#: Problems found by the framework or the middleware, before a use case is called.
HTTP_ANSWERS: dict[int, Answer] = {
    answer.status: answer
    for answer in (
        Answer(400, "malformed_json", "The body is not JSON", "Send valid JSON in UTF-8 (RFC 8259)."),
        ANSWERS[errors.NotFound],
        Answer(
            405,
            "method_not_allowed",
            "The method is not allowed here",
            "`Allow` names the methods that are allowed.",
        ),
        Answer(
            406,
            "not_acceptable",
            "The answer is not of a type that you accept",
            "Accept `application/json`, or leave `Accept` out.",
        ),
        Answer(
            413,
            "body_too_large",
            "The request body is too large",
            "Declare the payload's `media_type` and `size` instead of sending it, and upload it to the URL "
            "in the answer.",
        ),
        Answer(
            415,
            "unsupported_media_type",
            "The body's media type is not supported",
            "Send the body as `application/json`.",
        ),
        ANSWERS[errors.InvalidInput],
        Answer(
            500,
            "internal_error",
            "The service failed",
            "The fault is logged under the request id. Repeat the request, or tell the operator the id.",
        ),
    )
}

#: Problems found by API Gateway itself. The gateway responses in template.yaml hold these answers.
GATEWAY_ANSWERS: tuple[Answer, ...] = (
    Answer(400, "bad_request", "The request was refused", "`detail` says why API Gateway refused it."),
    ANSWERS[errors.Forbidden],
    Answer(
        429,
        "too_many_requests",
        "Too many requests",
        "Wait for the seconds in `Retry-After`, and longer each time. A monthly quota may be used up.",
    ),
)

PAGES: dict[str, Answer] = {
    answer.code: answer for answer in (*ANSWERS.values(), *HTTP_ANSWERS.values(), *GATEWAY_ANSWERS)
}
