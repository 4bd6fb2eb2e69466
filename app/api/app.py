"""The HTTP edge: one FastAPI app, which runs in Lambda through Mangum and under uvicorn."""

from typing import Any

from fastapi import FastAPI

from app.api.contracts import contracts_of
from app.api.middleware.body_limit import BodyLimitMiddleware
from app.api.middleware.cors import add_cross_origin
from app.api.middleware.request import RequestMiddleware
from app.api.middleware.security_headers import SecurityHeadersMiddleware
from app.api.problems.handlers import add_problem_handlers
from app.api.routes import (
    artifacts,
    console,
    deliveries,
    documentation,
    events,
    health,
    history,
    kinds,
    links,
    objects,
    parts,
    payloads,
    problems,
    usage,
    webhooks,
)
from app.api.services import ApiServices
from app.config import ApiSettings, AuthMode

VERSION = "0.2.0"
#: The nouns below /v1, in the order in which the document lists them.
VERSIONED = (
    *(objects, payloads, parts, artifacts, links, history),
    *(events, webhooks, deliveries, kinds, usage),
)


def create_app(services: ApiServices, settings: ApiSettings) -> FastAPI:
    """Return the app. Raises UndocumentedRoute if a route has no `@documents`."""
    app = FastAPI(
        title="Wharf",
        version=VERSION,
        summary="Hand over a file or a record; be told when it is checked and processed.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.settings = settings
    # The last one that is added is the outermost.
    app.add_middleware(BodyLimitMiddleware)
    add_cross_origin(app, settings.cors_origins)
    app.add_middleware(RequestMiddleware)
    app.add_middleware(SecurityHeadersMiddleware)
    add_problem_handlers(app)
    for noun in VERSIONED:
        app.include_router(noun.router, prefix="/v1")
    app.include_router(links.open_router)
    app.include_router(health.router)
    app.include_router(problems.router)
    documentation.add_documentation(app)
    console.add_console(app, settings)
    contracts_of(app.routes)
    _add_openapi(app, settings.auth_mode)
    return app


def _add_openapi(app: FastAPI, auth_mode: AuthMode) -> None:
    """Build the document when it is first asked for, because most instances are never asked."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            from app.api.openapi.document import describe

            app.openapi_schema = describe(app, auth_mode)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to replace it
