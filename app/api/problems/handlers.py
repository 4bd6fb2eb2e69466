"""Handlers that turn every error into problem details."""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from app.api.http.methods import ROUTED
from app.api.http.preconditions import entity_tag
from app.api.problems.catalogue import ANSWERS, HTTP_ANSWERS
from app.api.problems.details import parts_members, problem, quota_members, root_path
from app.api.problems.pointers import field_errors
from app.domain import errors
from app.domain.validation import ERRORS_AT_MOST
from app.observability import described_fault, logger


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
    if isinstance(error, errors.PartsMissing):
        return problem(request, answer, str(error), members=parts_members(error))
    response = problem(request, answer, str(error))
    if isinstance(error, errors.EncodedBody):
        response.headers["Accept-Encoding"] = "identity"
    if isinstance(error, errors.VersionMismatch):
        response.headers["ETag"] = entity_tag(error.current)
    return response


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it
    if reasons := [found["ctx"]["error"] for found in error.errors() if found["type"] == "json_invalid"]:
        return problem(request, HTTP_ANSWERS[400], f"The request body is not valid JSON: {reasons[0]}.")
    if any(found["loc"] == ("body",) and found["type"] == "missing" for found in error.errors()):
        return problem(request, HTTP_ANSWERS[400], "The request has no body.")
    if malformed := [found["loc"][1] for found in error.errors() if found["loc"][0] == "path"]:
        return problem(request, HTTP_ANSWERS[404], str(errors.NotFound(malformed[0].removesuffix("_id"))))
    fields = field_errors(error.errors(), error.body)
    return problem(request, HTTP_ANSWERS[422], _say(fields), fields=fields)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it
    answer = HTTP_ANSWERS[error.status_code]
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        is_unknown = error.status_code == HTTPStatus.NOT_FOUND
        return problem(request, answer, "There is no such path." if is_unknown else str(error.detail))
    allow = {"Allow": ", ".join(allowed_methods(request))}
    if request.state.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    # A client may send any word as a method, so the word is not repeated.
    response = problem(request, answer, "This path does not have this method.")
    response.headers.update(allow)
    return response


def allowed_methods(request: Request) -> list[str]:
    """Return the methods of every route at this path (RFC 9110, section 10.2.1).

    Starlette would name the methods of one route only.
    """
    allowed = []
    for method in ROUTED:
        scope = {**request.scope, "method": method, "root_path": root_path(request)}
        matching = [route for route in request.app.routes if route.matches(scope)[0] is Match.FULL]
        # Mounts serve files, which can only be read.
        if any(method == "GET" or not isinstance(route, Mount) for route in matching):
            allowed.append(method)
    return [*allowed, *(["HEAD"] if "GET" in allowed else []), "OPTIONS"]


def answer_fault(request: Request, error: Exception) -> JSONResponse:
    """Log an unexpected error, and return its problem details."""
    logger.error("request.crashed", exc_info=error)
    return problem(request, HTTP_ANSWERS[500], "The fault is logged under this request id.")


def _say(fields: Sequence[errors.FieldError]) -> str:
    """Return the detail without the pointers, which may hold the client's own words."""
    if len(fields) == 1:
        return fields[0].detail
    if len(fields) == ERRORS_AT_MOST:
        return f"At least {ERRORS_AT_MOST} fields are wrong; `errors` names the first."
    return f"{len(fields)} fields are wrong; `errors` names each."
