"""Problem details (RFC 9457, application/problem+json): their model, and how they are made."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from app.api.problems.catalogue import ANSWERS, Answer
from app.api.schemas.annotations import Documented
from app.domain import errors

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "2"


class FieldProblem(BaseModel):
    """A wrong field. `pointer` is a JSON pointer (RFC 6901) into the body, or `/query/<name>`."""

    pointer: Annotated[str, Documented(format="json-pointer")]
    detail: str


class ProblemOut(BaseModel):
    """Problem details (RFC 9457). `code` is stable and for programs; `type` is the page about it.

    `errors` comes with `invalid_input`; `used`, `limit` and `unit` come with `quota_exceeded`;
    `missing` comes with `parts_missing`.
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
    missing: list[Annotated[int, Documented(minimum=1)]] = Field(default_factory=list)
    unit: Annotated[str, Documented(enum=["objects", "bytes"])] = Field(default_factory=str)


def problem(
    request: Request,
    answer: Answer,
    detail: str,
    *,
    fields: Sequence[errors.FieldError] = (),
    members: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """Return the answer, and note its code for the request's line in the log."""
    request_id = request.scope["state"]["request_id"]
    request.scope["state"]["problem_code"] = answer.code
    content: dict[str, Any] = {
        "type": problem_type(root_path(request), answer.code),
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


def quota_members(error: errors.QuotaExceeded) -> dict[str, Any]:
    """Return the members that only this problem has (RFC 9457, section 3.2)."""
    return {"used": error.used, "limit": error.limit, "unit": error.unit}


def parts_members(error: errors.PartsMissing) -> dict[str, Any]:
    """Return the member that only this problem has."""
    return {"missing": list(error.numbers)}


def problem_type(root: str, code: str) -> str:
    """Return the path of the page about a problem."""
    return f"{root}/problems/{code}"


def root_path(request: Request) -> str:
    """Return the root path of the app. The scope's `root_path` is that of the mount, if there is one."""
    return str(request.scope.get("app_root_path", request.scope.get("root_path", "")))
