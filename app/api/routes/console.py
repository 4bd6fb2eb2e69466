"""The console: one page at `/` and its files, which browsers keep for ever under the hash of all of them.

The page and every link in it begin with the root path, so they work below a stage and at a domain.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import Response

from app.api.http.preconditions import ANY, IfNoneMatch
from app.api.problems.details import root_path
from app.config import ApiSettings
from app.domain.errors import NotFound

FOLDER = Path(__file__).parents[2] / "console"
PAGE = "index.html"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Files:
    """The files of the console, by name, and a hash of them all."""

    contents: Mapping[str, bytes]
    digest: str

    @classmethod
    def read(cls) -> "Files":
        contents = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file()}
        hashed = sha256()
        for name, content in contents.items():
            hashed.update(f"{name}\0{sha256(content).hexdigest()}\n".encode())
        return cls(contents, hashed.hexdigest()[:16])


def policy(bucket_origin: str, sign_in_url: str) -> str:
    """Return the policy of the page: files of its own host; requests to it, the bucket and the sign-in.

    Scripts come from files only, and a text cannot become a script (Trusted Types). The one policy that
    is named makes the URL of the worker that hashes files.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' {bucket_origin}",
            f"connect-src 'self' {bucket_origin} {sign_in_url}".rstrip(),
            "worker-src 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types wharf",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def add_console(app: FastAPI, settings: ApiSettings) -> None:
    """Add the page and its files."""
    files = Files.read()
    told = {
        "auth": settings.auth_mode,
        "wait": settings.max_wait_seconds,
        "signIn": settings.sign_in_url,
        "clientId": settings.sign_in_client_id,
        "version": app.version,
    }

    @app.get("/", include_in_schema=False)
    async def show_console(request: Request, known: IfNoneMatch) -> Response:
        root = root_path(request)
        page = files.contents[PAGE].decode()
        page = page.replace("{files}", f"{escape(root)}/console/{files.digest}")
        page = page.replace("{settings}", escape(json.dumps({**told, "root": root})))
        tag = f'"{sha256(page.encode()).hexdigest()[:16]}"'
        allowed = policy(request.app.state.services.bucket_origin(), settings.sign_in_url)
        headers = {"Content-Security-Policy": allowed, "ETag": tag}
        if known & {ANY, tag}:
            return Response(status_code=304, headers=headers)
        return Response(page, headers=headers, media_type=MEDIA_TYPES[".html"])

    @app.get("/console/{digest}/{name}", include_in_schema=False)
    async def show_file(digest: str, name: str) -> Response:
        content = files.contents.get(name)
        if digest != files.digest or name == PAGE or content is None:
            raise NotFound("file")
        return Response(
            content, headers={"Cache-Control": FOR_EVER}, media_type=MEDIA_TYPES[Path(name).suffix]
        )
