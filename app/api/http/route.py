"""The class of every route: strict JSON bodies, and no change of thread inside Lambda.

Routes are plain functions that block. Under uvicorn, FastAPI runs them in its
thread pool. Lambda serves one request at a time, so another thread would only cost
time: there the route runs in the event loop.
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
from app.domain.values import object_id_in
from app.observability import bind
from app.observability.logs import IN_LAMBDA

MERGE_PATCH = "application/merge-patch+json"


class StrictJsonRequest(Request):
    """A request whose body must be strict JSON."""

    async def json(self) -> Any:
        """Return the body, which must be JSON by RFC 8259: no NaN, infinity or lone surrogate.

        Raises JSONDecodeError.
        """
        body = await self.body()
        try:
            return from_json(body, allow_inf_nan=False)
        except ValueError:
            raise json.JSONDecodeError("The body is not JSON", "", 0) from None


class LambdaRoute(APIRoute):
    """A route that refuses other bodies than JSON, and clients that do not accept its answer."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if os.environ.get(IN_LAMBDA) and not iscoroutinefunction(endpoint):
            endpoint = _inline(endpoint)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        bodies = (MERGE_PATCH, JSON) if "PATCH" in (self.methods or ()) else (JSON,)

        async def handle_strictly(request: Request) -> Response:
            if "object_id" in request.path_params:
                bind(object_id=object_id_in(request.path_params["object_id"]))
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if self.body_field is not None and media_type not in bodies:
                raise HTTPException(415, f"Send the body as {' or '.join(bodies)}.")
            if self.response_model is not None and not accepts_json(request):
                raise HTTPException(406, f"This answers with {JSON}.")
            return await handle(StrictJsonRequest(request.scope, request.receive))

        return handle_strictly


def _inline(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as a coroutine, which FastAPI runs in the event loop."""

    @functools.wraps(endpoint)
    async def inline(*args: Any, **kwargs: Any) -> Any:
        return endpoint(*args, **kwargs)

    return inline
