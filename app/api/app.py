"""The HTTP edge: one FastAPI app, for Lambda through Mangum and for uvicorn."""

from fastapi import FastAPI

from app.api.middleware.cors import add_cross_origin
from app.api.middleware.request import BodyLimitMiddleware, RequestMiddleware
from app.api.middleware.security_headers import SecurityHeadersMiddleware
from app.api.openapi.document import add_openapi
from app.api.problems.handlers import add_problem_handlers
from app.api.routes import (
    artifacts,
    documentation,
    health,
    history,
    kinds,
    objects,
    payloads,
    problems,
    usage,
)
from app.config import ApiSettings
from app.services.api import ApiServices

VERSION = "0.2.0"


def create_app(services: ApiServices, settings: ApiSettings) -> FastAPI:
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
    # Added from the inside out.
    app.add_middleware(BodyLimitMiddleware)
    add_cross_origin(app, settings.cors_origins)
    app.add_middleware(RequestMiddleware)
    app.add_middleware(SecurityHeadersMiddleware)
    add_problem_handlers(app)
    for noun in (objects, payloads, artifacts, history, kinds, usage):
        app.include_router(noun.router, prefix="/v1")
    app.include_router(health.router)
    app.include_router(problems.router)
    documentation.add_documentation(app)
    add_openapi(app, settings.auth_mode)
    return app
