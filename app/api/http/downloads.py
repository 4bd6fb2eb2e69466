"""How a download is answered: by a redirect to S3, or by its URL as JSON if the client asks for that."""

from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from app.api.http.accept import asks_for_json
from app.api.schemas.responses import LinkOut
from app.services.reading import Link

#: The answers of a download. FastAPI cannot read them from the return type `Response`.
LINK_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"model": LinkOut}}
NOT_STORED = {"Cache-Control": "no-store"}


def answer_with_link(request: Request, link: Link) -> Response:
    if asks_for_json(request):
        return JSONResponse(LinkOut.of(link).model_dump(), headers=NOT_STORED)
    return RedirectResponse(link.url, 307, headers=NOT_STORED)
