"""Problems: the page that a problem document's `type` points to."""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from app.api.http.route import LambdaRoute
from app.api.middleware.security_headers import policy_of
from app.api.problems.catalogue import PAGES, Answer
from app.api.routes.documents import documents
from app.domain.errors import NotFound

Code = Annotated[str, Path(description="The `code` of a problem.", json_schema_extra={"enum": sorted(PAGES)})]

router = APIRouter(tags=["problems"], route_class=LambdaRoute)

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}
</style>
<h1>{title}</h1>
<p>Code <code>{code}</code>, status {status}.</p>
<p>{advice}</p>
"""


@router.get("/problems/{code}", operation_id="readProblem", response_class=HTMLResponse)
@documents(answers={200: "The page"}, refuses=("not_found",), is_open=True)
async def read_problem(code: Code) -> HTMLResponse:
    """Explain what a problem's `code` means, and what to do about it."""
    if code not in PAGES:
        raise NotFound("problem")
    shown = page(PAGES[code])
    return HTMLResponse(shown, headers=policy_of(shown))


def page(answer: Answer) -> str:
    """Return the HTML page about a problem."""
    return PAGE.format(
        title=escape(answer.title),
        code=escape(answer.code),
        status=answer.status,
        advice=escape(answer.advice),
    )
