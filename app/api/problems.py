"""The one table from errors to answers (RFC 9457, application/problem+json)."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from app.api.documented import Documented
from app.api.pointers import field_errors
from app.api.preconditions import entity_tag
from app.domain import errors
from app.observability import logger

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "2"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class FieldProblem(BaseModel):
    """One wrong field: a JSON pointer (RFC 6901) into the body, or `/query/<name>`."""

    pointer: Annotated[str, Documented(format="json-pointer")]
    detail: str


class ProblemOut(BaseModel):
    """A problem document (RFC 9457). `code` is stable, made for programs; `type` is the page about it."""

    type: Annotated[str, Documented(format="uri-reference")]
    title: str
    status: Annotated[int, Documented(minimum=400, maximum=599)]
    detail: str
    code: str
    request_id: Annotated[str, Documented(minLength=1)]
    errors: list[FieldProblem] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answer:
    """`advice` tells the reader of the problem's page what to do."""

    status: int
    code: str
    title: str
    advice: str


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
        "The payload's media type is missing or malformed",
        "Send the payload's media type, such as `text/csv`, as `Content-Type`.",
    ),
    errors.IdempotencyKeyReused: Answer(
        422,
        "idempotency_key_reused",
        "The Idempotency-Key was used for another request",
        "Use a new key for a new object; repeat a request with exactly the same body.",
    ),
    errors.Unauthenticated: Answer(
        401, "unauthenticated", "The caller is unknown", "Send the credentials that this service asks for."
    ),
    errors.NotFound: Answer(
        404,
        "not_found",
        "Not found",
        "There is nothing of this name for you: it never was, was deleted, or belongs to somebody else.",
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
        "Somebody changed the object. `ETag` is its version now: read it, and apply your change again.",
    ),
    errors.PayloadNotReady: Answer(
        409,
        "payload_not_ready",
        "No payload is ready yet",
        "Read the object until its status is `ready`; `problem` says why it may never be.",
    ),
    errors.StaleWrite: Answer(
        409,
        "concurrent_change",
        "Others keep changing the object",
        "Try again; send `If-Match` to be told at once when somebody else was first.",
    ),
    errors.Unavailable: Answer(
        503,
        "unavailable",
        "Try again in a moment",
        "AWS is busy or away. Wait for the seconds in `Retry-After`; with an Idempotency-Key a repeated "
        "create is safe.",
    ),
}
"""Every leaf of the error tree that a request can meet."""

HTTP_ANSWERS: dict[int, Answer] = {
    answer.status: answer
    for answer in (
        Answer(400, "malformed_json", "The body is not JSON", "Send valid JSON in UTF-8 (RFC 8259)."),
        ANSWERS[errors.NotFound],
        Answer(
            405,
            "method_not_allowed",
            "The method is not allowed here",
            "`Allow` names the methods that are.",
        ),
        Answer(
            406,
            "not_acceptable",
            "The answer would be of a type that is not accepted",
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
"""What the framework and the middleware refuse before a use case is called."""

PAGES: dict[str, Answer] = {answer.code: answer for answer in (*ANSWERS.values(), *HTTP_ANSWERS.values())}


def add_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(errors.WharfError, _on_wharf_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_wharf_error(request: Request, error: Exception) -> JSONResponse:
    answer = ANSWERS[type(error)]  # type: ignore[index]  # registered for WharfError
    if isinstance(error, errors.InvalidInput):
        return problem(request, answer, _say(error.errors), fields=error.errors)
    response = problem(request, answer, str(error))
    if isinstance(error, errors.VersionMismatch):
        response.headers["ETag"] = entity_tag(error.current)
    return response


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it
    if any(found["type"] == "json_invalid" for found in error.errors()):
        return problem(request, HTTP_ANSWERS[400], "The request body is not valid JSON.")
    if any(found["loc"][0] == "path" for found in error.errors()):
        return problem(request, HTTP_ANSWERS[404], str(errors.NotFound()))
    fields = field_errors(error.errors(), error.body)
    return problem(request, HTTP_ANSWERS[422], _say(fields), fields=fields)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it
    answer = HTTP_ANSWERS[error.status_code]
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return problem(request, answer, _sentence(error))
    allow = {"Allow": ", ".join(allowed_methods(request))}
    if request.state.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    response = problem(request, answer, f"{request.state.method} is not allowed here.")
    response.headers.update(allow)
    return response


def _sentence(error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "There is no such path."
    return str(error.detail)


def allowed_methods(request: Request) -> list[str]:
    """Those of every route at this path (RFC 9110, section 10.2.1); Starlette names one route's."""
    allowed = [method for method in METHODS if _is_routed(request, method)]
    return [*allowed, *(["HEAD"] if "GET" in allowed else []), "OPTIONS"]


def _is_routed(request: Request, method: str) -> bool:
    # Below a mount, the root path is the mount's.
    root_path = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    scope = {**request.scope, "method": method, "root_path": root_path}
    matching = (route for route in request.app.routes if route.matches(scope)[0] is Match.FULL)
    # What is mounted are files, which can only be read.
    return any(method == "GET" or not isinstance(route, Mount) for route in matching)


def answer_fault(request: Request, error: Exception) -> JSONResponse:
    """To what nobody expected."""
    logger.error("request.crashed", exc_info=error, path=request.url.path)
    return problem(request, HTTP_ANSWERS[500], "The fault is logged under this request id.")


def _say(fields: Sequence[errors.FieldError]) -> str:
    if len(fields) == 1:
        return f"{fields[0].pointer or 'The body'}: {fields[0].detail}"
    return f"{len(fields)} fields are wrong; `errors` names each."


def problem(
    request: Request, answer: Answer, detail: str, *, fields: Sequence[errors.FieldError] = ()
) -> JSONResponse:
    request_id = request.scope["state"]["request_id"]
    content: dict[str, Any] = {
        "type": f"{request.scope.get('root_path', '')}/problems/{answer.code}",
        "title": answer.title,
        "status": answer.status,
        "detail": detail,
        "code": answer.code,
        "request_id": request_id,
    }
    if fields:
        content["errors"] = [{"pointer": f.pointer, "detail": f.detail} for f in fields]
    # Starlette answers unexpected errors outside every middleware, so the id is set here too.
    headers = {"Request-Id": request_id}
    if answer.status == ANSWERS[errors.Unavailable].status:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return JSONResponse(content, answer.status, headers, MEDIA_TYPE)
