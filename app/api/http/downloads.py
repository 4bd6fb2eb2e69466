"""How a download is answered: by a redirect to S3, or by its URL as JSON if the client asks for that."""

from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from app.api.http.accept import asks_for_json
from app.api.schemas.objects import DownloadUrlOut
from app.services.objects.downloads import DownloadUrl

#: The answers of a download. FastAPI cannot read them from the return type `Response`.
DOWNLOAD_RESPONSES: dict[int | str, dict[str, Any]] = {200: {"model": DownloadUrlOut}}
NOT_STORED = {"Cache-Control": "no-store"}


def answer_download(request: Request, download: DownloadUrl) -> Response:
    if asks_for_json(request):
        return JSONResponse(DownloadUrlOut.of(download).model_dump(), headers=NOT_STORED)
    return RedirectResponse(download.url, 307, headers=NOT_STORED)
