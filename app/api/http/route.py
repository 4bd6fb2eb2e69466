"""The route class: strict JSON bodies, and no thread hop inside Lambda.

Routes are plain functions. Under uvicorn FastAPI runs them in its thread pool,
which is what blocking calls need. In Lambda, one request at a time is served,
and a hop to another thread would only cost time: there they run inline.
"""

import functools
import json
import os
from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from app.api.http.accept import JSON, accepts_json
from app.api.schemas.bodies import MERGE_PATCH
from app.domain.values import object_id_in
from app.observability import bind
from app.observability.logs import IN_LAMBDA


class StrictJsonRequest(Request):
    async def json(self) -> Any:
        """RFC 8259, so no NaN, no infinities and no lone surrogates. Raises JSONDecodeError."""
        body = await self.body()
        try:
            return from_json(body, allow_inf_nan=False)
        except ValueError:
            raise json.JSONDecodeError("The body is not JSON", "", 0) from None


class LambdaRoute(APIRoute):
    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if os.environ.get(IN_LAMBDA) and not iscoroutinefunction(endpoint):
            endpoint = _inline(endpoint)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            bind(object_id=object_id_in(request.path_params.get("object_id")))
            if self.body_field is not None:
                _require_json(request, self.methods or set())
            if self.response_model is not None:
                _require_acceptance(request)
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return handle_strictly


def _inline(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(endpoint)
    async def inline(*args: Any, **kwargs: Any) -> Any:
        return endpoint(*args, **kwargs)

    return inline


def _require_json(request: Request, methods: set[str]) -> None:
    accepted = (MERGE_PATCH, JSON) if "PATCH" in methods else (JSON,)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in accepted:
        raise HTTPException(415, f"Send the body as {' or '.join(accepted)}.")


def _require_acceptance(request: Request) -> None:
    if not accepts_json(", ".join(request.headers.getlist("accept"))):
        raise HTTPException(406, f"This answers with {JSON}.")
