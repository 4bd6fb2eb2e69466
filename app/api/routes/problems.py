"""Problems: the page that the `type` of problem details points to."""

import json
import re
from html import escape
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from app.api.contracts import documents
from app.api.http.route import StrictRoute
from app.api.middleware.security_headers import policy_of
from app.api.problems.catalogue import PAGES, Answer
from app.api.problems.details import problem_type, root_path
from app.api.problems.examples import PROBLEMS
from app.domain.errors import NotFound

Code = Annotated[str, Path(description="The `code` of a problem.", json_schema_extra={"enum": sorted(PAGES)})]

router = APIRouter(tags=["problems"], route_class=StrictRoute)

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem }}
code {{ font: .9em ui-monospace, monospace; padding: .1em .3em; border-radius: .25em; background: #8882 }}
pre {{ padding: 1rem; border-radius: .5rem; background: #8882; white-space: pre-wrap }}
pre code {{ padding: 0; background: none; overflow-wrap: anywhere }}
</style>
<h1>{title}</h1>
<p>Code <code>{code}</code>, status {status}.</p>
<p>{advice}</p>
<h2>Example</h2>
<pre><code>{example}</code></pre>
"""
#: In the texts of the catalogue, code is written between backticks.
CODE = re.compile(r"`([^`]+)`")


@router.get("/problems/{code}", operation_id="readProblem", response_class=HTMLResponse)
@documents(answers={200: "The page"}, refuses=("not_found",), is_open=True)
async def read_problem(code: Code, request: Request) -> HTMLResponse:
    """Explain what a problem's `code` means, and what to do about it."""
    if code not in PAGES:
        raise NotFound("problem")
    shown = page(PAGES[code], root_path(request))
    return HTMLResponse(shown, headers=policy_of(shown))


def page(answer: Answer, root: str) -> str:
    """Return the HTML page about a problem of an API that is served under `root`."""
    example = {**PROBLEMS[answer.code], "type": problem_type(root, answer.code)}
    return PAGE.format(
        title=escape(answer.title),
        code=escape(answer.code),
        status=answer.status,
        advice=CODE.sub(r"<code>\1</code>", escape(answer.advice)),
        example=escape(json.dumps(example, indent=2)),
    )
