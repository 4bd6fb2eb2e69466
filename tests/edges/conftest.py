"""One HTTP client per door; the suite behind them is the same."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.lambda_adapter import create_handler
from app.api.services import ApiServices
from app.config import ApiSettings, AuthMode
from app.observability import sinks
from app.observability.metrics import Sample
from tests.conftest import Aws, Clock
from tests.edges.described import Described, bare_app
from tests.edges.doors import STAGE, LambdaTransport
from tests.services import services_on


@pytest.fixture
def services(aws: Aws) -> ApiServices:
    return services_on(aws)


@pytest.fixture
def samples() -> Iterator[list[Sample]]:
    """Yield a list to which each sample is added that is measured from now on."""
    heard: list[Sample] = []
    sinks.append(heard.extend)
    yield heard
    sinks.remove(heard.extend)


def settings_for(auth_mode: str, **more: Any) -> ApiSettings:
    return ApiSettings.model_validate(
        {
            "table_name": "objects",
            "bucket_name": "payloads",
            "queue_url": "-",
            "auth_mode": auth_mode,
            **more,
        }
    )


def app_with(services: ApiServices, settings: ApiSettings) -> FastAPI:
    """Return the app that all tests with these settings share.

    An app keeps services and settings in its state alone, and to build one takes
    longer than most tests.
    """
    app = bare_app(settings.auth_mode, settings.cors_origins)
    app.state.services, app.state.settings = services, settings
    return app


@pytest.fixture
def make_app(services: ApiServices) -> Any:
    def make(auth_mode: str, **more: Any) -> FastAPI:
        return app_with(services, settings_for(auth_mode, **more))

    return make


@pytest.fixture
def make_still_app(aws: Aws, clock: Clock) -> Any:
    """Make apps at one moment, so that two answers may be equal."""
    still = services_on(aws, clock=clock)

    def make(auth_mode: str, **more: Any) -> FastAPI:
        return app_with(still, settings_for(auth_mode, **more))

    return make


@pytest.fixture(params=["asgi", "lambda"])
def client(request: pytest.FixtureRequest, make_app: Any) -> Iterator[httpx2.Client]:
    """Every exchange is checked against the OpenAPI document."""
    auth_mode: AuthMode = "local" if request.param == "asgi" else "api-key"
    app = make_app(auth_mode)
    door = TestClient(app, follow_redirects=False) if request.param == "asgi" else through_lambda(app)
    with door as client:
        client.event_hooks["response"].append(Described(auth_mode))
        yield client


@contextmanager
def through_lambda(
    app: FastAPI, stage: str = STAGE, vouched: Mapping[str, Any] | None = None
) -> Iterator[httpx2.Client]:
    transport = LambdaTransport(create_handler(app), stage=stage, vouched=vouched or {})
    try:
        with httpx2.Client(transport=transport, base_url="http://testserver") as client:
            yield client
    finally:
        asyncio.get_event_loop().close()
        asyncio.set_event_loop(None)
