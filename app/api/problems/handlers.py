"""Problem documents (RFC 9457, application/problem+json): every error becomes one."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from app.api.http.methods import ROUTED
from app.api.http.preconditions import entity_tag
from app.api.problems.catalogue import ANSWERS, HTTP_ANSWERS, Answer
from app.api.problems.pointers import field_errors
from app.api.schemas.annotations import Documented
from app.domain import errors
from app.domain.validation import ERRORS_AT_MOST
from app.observability import described_fault, logger

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "2"


class FieldProblem(BaseModel):
    """One wrong field: a JSON pointer (RFC 6901) into the body, or `/query/<name>`."""

    pointer: Annotated[str, Documented(format="json-pointer")]
    detail: str


class ProblemOut(BaseModel):
    """A problem document (RFC 9457). `code` is stable, made for programs; `type` is the page about it.

    `errors` comes with `invalid_input`; `used`, `limit` and `unit` come with `quota_exceeded`.
    """

    type: Annotated[str, Documented(format="uri-reference")]
    title: str
    status: Annotated[int, Documented(minimum=400, maximum=599)]
    detail: str
    code: str
    request_id: Annotated[str, Documented(minLength=1)]
    errors: list[FieldProblem] = Field(default_factory=list)
    used: Annotated[int, Documented(minimum=0, format="int64")] = Field(default_factory=int)
    limit: Annotated[int, Documented(minimum=1, format="int64")] = Field(default_factory=int)
    unit: Annotated[str, Documented(enum=["objects", "bytes"])] = Field(default_factory=str)


def add_problem_handlers(app: FastAPI) -> None:
    app.add_exception_handler(errors.WharfError, _on_wharf_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_wharf_error(request: Request, error: Exception) -> JSONResponse:
    answer = ANSWERS[type(error)]  # type: ignore[index]  # registered for WharfError
    if isinstance(error, errors.InvalidInput):
        return problem(request, answer, _say(error.errors), fields=error.errors)
    if isinstance(error, errors.Unavailable):
        logger.error("request.unavailable", error=described_fault(error))
    if isinstance(error, errors.QuotaExceeded):
        return problem(request, answer, str(error), members=quota_members(error))
    response = problem(request, answer, str(error))
    if isinstance(error, errors.VersionMismatch):
        response.headers["ETag"] = entity_tag(error.current)
    return response


def quota_members(error: errors.QuotaExceeded) -> dict[str, Any]:
    """Of its problem document, beside those that every one has (RFC 9457, section 3.2)."""
    return {"used": error.used, "limit": error.limit, "unit": error.unit}


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
    # Any word may be a method: what was sent is not repeated.
    response = problem(request, answer, "This path does not have this method.")
    response.headers.update(allow)
    return response


def _sentence(error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return "There is no such path."
    return str(error.detail)


def allowed_methods(request: Request) -> list[str]:
    """Those of every route at this path (RFC 9110, section 10.2.1); Starlette names one route's."""
    allowed = [method for method in ROUTED if _is_routed(request, method)]
    return [*allowed, *(["HEAD"] if "GET" in allowed else []), "OPTIONS"]


def _is_routed(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method, "root_path": _root_path(request)}
    matching = (route for route in request.app.routes if route.matches(scope)[0] is Match.FULL)
    # What is mounted are files, which can only be read.
    return any(method == "GET" or not isinstance(route, Mount) for route in matching)


def _root_path(request: Request) -> str:
    """The app's own: below a mount, the scope's is the mount's."""
    return str(request.scope.get("app_root_path", request.scope.get("root_path", "")))


def answer_fault(request: Request, error: Exception) -> JSONResponse:
    """To what nobody expected."""
    logger.error("request.crashed", exc_info=error)
    return problem(request, HTTP_ANSWERS[500], "The fault is logged under this request id.")


def _say(fields: Sequence[errors.FieldError]) -> str:
    """Without the pointer, which may hold the client's own words."""
    if len(fields) == 1:
        return fields[0].detail
    if len(fields) == ERRORS_AT_MOST:
        return f"At least {ERRORS_AT_MOST} fields are wrong; `errors` names the first."
    return f"{len(fields)} fields are wrong; `errors` names each."


def problem(
    request: Request,
    answer: Answer,
    detail: str,
    *,
    fields: Sequence[errors.FieldError] = (),
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    request_id = request.scope["state"]["request_id"]
    request.scope["state"]["problem_code"] = answer.code
    content: dict[str, Any] = {
        "type": f"{_root_path(request)}/problems/{answer.code}",
        "title": answer.title,
        "status": answer.status,
        "detail": detail,
        "code": answer.code,
        "request_id": request_id,
        **(members or {}),
    }
    if fields:
        content["errors"] = [{"pointer": f.pointer, "detail": f.detail} for f in fields]
    # Starlette answers unexpected errors outside every middleware, so the id is set here too.
    headers = {"Request-Id": request_id}
    if answer.status == ANSWERS[errors.Unavailable].status:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    return JSONResponse(content, answer.status, headers, MEDIA_TYPE)
