"""Routes run inline in Lambda, and in the thread pool elsewhere."""

import threading

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from app.api.http.route import StrictRoute


def runs_inline() -> bool:
    router = APIRouter(route_class=StrictRoute)

    @router.get("/thread")
    def thread() -> int:
        return threading.get_ident()

    @router.get("/loop")
    async def loop() -> int:
        return threading.get_ident()

    app = FastAPI()
    app.include_router(router)
    with TestClient(app) as client:
        return bool(client.get("/thread").json() == client.get("/loop").json())


def test_a_route_runs_inline_in_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "api")

    assert runs_inline()


def test_a_route_runs_in_a_thread_of_its_own_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)

    assert not runs_inline()
