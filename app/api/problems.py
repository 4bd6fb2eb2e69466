"""The one table from errors to answers (RFC 9457, application/problem+json)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from app.api.pointers import field_errors
from app.domain import errors
from app.observability import logger

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "2"


class FieldProblem(BaseModel):
    """One wrong field. `pointer` is an RFC 6901 JSON pointer into the body."""

    model_config = ConfigDict(extra="forbid")

    pointer: str
    detail: str


class ProblemOut(BaseModel):
    """A problem document (RFC 9457). `code` is stable, made for programs."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    code: str
    title: str


ANSWERS: dict[type[errors.WharfError], Answer] = {
    errors.InvalidInput: Answer(422, "invalid_input", "The input is invalid"),
    errors.InvalidCursor: Answer(400, "invalid_cursor", "The cursor is invalid"),
    errors.InvalidIdempotencyKey: Answer(400, "invalid_idempotency_key", "The Idempotency-Key is invalid"),
    errors.IdempotencyKeyReused: Answer(
        422, "idempotency_key_reused", "The Idempotency-Key was used for another request"
    ),
    errors.Unauthenticated: Answer(401, "unauthenticated", "The caller is unknown"),
    errors.NotFound: Answer(404, "not_found", "Not found"),
    errors.ObjectDeleted: Answer(409, "object_deleted", "The object was deleted"),
    errors.WrongState: Answer(409, "wrong_state", "The object's status does not allow this"),
    errors.PayloadNotReady: Answer(409, "payload_not_ready", "No payload is ready yet"),
    errors.StaleWrite: Answer(409, "concurrent_change", "Somebody else changed the object"),
    errors.Unavailable: Answer(503, "unavailable", "Try again in a moment"),
}
"""Every leaf of the error tree that a request can meet."""

HTTP_ANSWERS: dict[int, Answer] = {
    answer.status: answer
    for answer in (
        Answer(400, "malformed_json", "The body is not JSON"),
        Answer(404, "not_found", "Not found"),
        Answer(405, "method_not_allowed", "The method is not allowed here"),
        Answer(413, "body_too_large", "The request body is too large"),
        Answer(415, "unsupported_media_type", "The body's media type is not supported"),
        Answer(422, "invalid_input", "The input is invalid"),
        Answer(500, "internal_error", "The service failed"),
    )
}
"""What the framework and the middleware refuse before a use case is called."""


def add_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(errors.WharfError, _on_wharf_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_wharf_error(request: Request, error: Exception) -> JSONResponse:
    answer = ANSWERS[type(error)]  # type: ignore[index]  # registered for WharfError
    if isinstance(error, errors.InvalidInput):
        return problem(request, answer, _say(error.errors), fields=error.errors)
    return problem(request, answer, str(error))


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it
    if any(found["type"] == "json_invalid" for found in error.errors()):
        return problem(request, HTTP_ANSWERS[400], "The request body is not valid JSON.")
    if any(found["loc"][0] == "path" for found in error.errors()):
        return problem(request, HTTP_ANSWERS[404], str(errors.NotFound()))
    fields = field_errors(error.errors(), error.body)
    return problem(request, HTTP_ANSWERS[422], _say(fields), fields=fields)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it
    answer = HTTP_ANSWERS[error.status_code]
    response = problem(request, answer, str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
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
