"""The HTTP edge: one FastAPI app, which runs in Lambda through Mangum and under uvicorn."""

from functools import partial
from typing import Any

from fastapi import FastAPI

from app.api.contracts import contracts_of
from app.api.later_routes import LaterRoutes
from app.api.middleware.body_limit import BodyLimitMiddleware
from app.api.middleware.cors import add_cross_origin
from app.api.middleware.request import RequestMiddleware
from app.api.middleware.security_headers import SecurityHeadersMiddleware
from app.api.problems.handlers import add_problem_handlers
from app.api.routes import objects
from app.api.services import ApiServices
from app.config import ApiSettings, AuthMode
from app.quick_start import IS_AWAITED

VERSION = "0.2.0"


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
    # `include_router` would make each route again, for options that none here has.
    app.routes.extend(objects.router.routes)
    others = LaterRoutes(partial(_add_others, app, settings))
    if IS_AWAITED:
        app.routes.append(others)
    else:
        others.add()
        contracts_of(app.routes)
    _add_openapi(app, others, settings.auth_mode)
    return app


def _add_others(app: FastAPI, settings: ApiSettings) -> None:
    """Add all routes but those of objects, in the order in which the document lists them."""
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
        parts,
        payloads,
        problems,
        usage,
        webhooks,
    )

    of_objects = (payloads, parts, artifacts, links, history)
    for noun in (*of_objects, events, webhooks, deliveries, kinds, usage):
        app.routes.extend(noun.router.routes)
    for router in (links.open_router, health.router, problems.router):
        app.routes.extend(router.routes)
    documentation.add_documentation(app)
    console.add_console(app, settings)


def _add_openapi(app: FastAPI, others: LaterRoutes, auth_mode: AuthMode) -> None:
    """Build the document when it is first asked for, because most instances are never asked."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            from app.api.openapi.document import describe

            others.add()
            app.openapi_schema = describe(app, auth_mode)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to replace it
