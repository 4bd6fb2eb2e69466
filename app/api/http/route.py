"""The class of every route: strict JSON bodies, and no change of thread inside Lambda.

Routes are plain functions that block. Under uvicorn, FastAPI runs them in its
thread pool. Lambda serves one request at a time, so another thread would only cost
time: there the route runs in the event loop.
"""

import codecs
import json
import os
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial, wraps
from inspect import iscoroutinefunction
from threading import RLock
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.routing import compile_path

from app.api.contracts import MARK
from app.api.http.accept import JSON, accepts_json
from app.api.http.bodies import refuse_changes
from app.domain.errors import EncodedBody, FieldError, InvalidInput
from app.domain.objects.values import object_id_in
from app.domain.validation import ERRORS_AT_MOST, pointer
from app.observability import bind
from app.observability.logs import IN_LAMBDA
from app.quick_start import IS_AWAITED

MERGE_PATCH = "application/merge-patch+json"
#: Held while a route is made, so that another thread waits for all of it.
MAKING = RLock()


class StrictJsonRequest(Request):
    """A request whose body must be strict JSON."""

    async def json(self) -> Any:
        """Return the body, which must be JSON by RFC 8259: no NaN, infinity or lone surrogate.

        Raises JSONDecodeError, whose message says what is wrong at which line and column.
        """
        body = await self.body()
        try:
            # A byte order mark may be passed over (RFC 8259, section 8.1).
            return from_json(body.removeprefix(codecs.BOM_UTF8), allow_inf_nan=False)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class StrictRoute(APIRoute):
    """A route that refuses other bodies than JSON, unknown query parameters, and clients
    that do not accept its answer.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if os.environ.get(IN_LAMBDA) and not iscoroutinefunction(endpoint):
            endpoint = _inline(endpoint)
        #: A page that is open to anybody may be asked for with any parameters.
        self.refuses_unknown_parameters = not getattr(getattr(endpoint, MARK, None), "is_open", False)
        if not IS_AWAITED:
            super().__init__(path, endpoint, **options)
            return
        self._make = partial(super().__init__, path, endpoint, **options)
        # `matches` needs no more to find out if a request is for this route.
        self.path, self.endpoint, self.methods = path, endpoint, set(options["methods"])
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)

    def __getattr__(self, name: str) -> Any:
        """Make the route when something is asked of it that it does not know yet: mostly, to answer."""
        with MAKING:
            make = self.__dict__.pop("_make", None)
            if make is not None:
                try:
                    make()
                except BaseException:
                    self._make = make
                    raise
            elif name not in vars(self):
                raise AttributeError(name)
        return getattr(self, name)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        bodies = (MERGE_PATCH, JSON) if "PATCH" in (self.methods or ()) else (JSON,)
        parameters = dict(_query_parameters(self.dependant))

        async def handle_strictly(request: Request) -> Response:
            if "object_id" in request.path_params:
                bind(object_id=object_id_in(request.path_params["object_id"]))
            if "link_id" in request.path_params:
                bind(link_id=object_id_in(request.path_params["link_id"]))
            if "webhook_id" in request.path_params:
                bind(webhook_id=object_id_in(request.path_params["webhook_id"]))
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if self.body_field is not None:
                refuse_encoded(request)
                if media_type not in bodies:
                    raise HTTPException(415, f"Send the body as {' or '.join(bodies)}.")
            if self.response_model is not None and not accepts_json(request):
                raise HTTPException(406, f"This answers with {JSON}.")
            if self.refuses_unknown_parameters:
                _refuse_other_parameters(request, parameters)
            strict = StrictJsonRequest(request.scope, request.receive)
            if self.body_field is not None:
                refuse_changes(await strict.body())
            return await handle(strict)

        return handle_strictly


def refuse_encoded(request: Request) -> None:
    """Raise EncodedBody if the body is not sent as it is (RFC 9110, sections 8.4 and 15.5.16)."""
    codings = ",".join(request.headers.getlist("content-encoding")).lower()
    if any(coding.strip() not in ("", "identity") for coding in codings.split(",")):
        raise EncodedBody


def _query_parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Yield the name of each query parameter, and if it may be repeated."""
    for field in dependant.query_params:
        yield field.alias, "list[" in str(field.field_info.annotation)
    for other in dependant.dependencies:
        yield from _query_parameters(other)


def _refuse_other_parameters(request: Request, parameters: Mapping[str, bool]) -> None:
    """Raise InvalidInput for unknown query parameters, and for repeated ones that are not lists."""
    given = [name for name, _ in request.query_params.multi_items()]
    errors = [
        FieldError(
            pointer(("query", name)),
            "This parameter may be given only once" if name in parameters else "There is no such parameter",
        )
        for name, times in Counter(given).items()
        if name not in parameters or (times > 1 and not parameters[name])
    ]
    if errors:
        raise InvalidInput(errors[:ERRORS_AT_MOST])


def _inline(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as a coroutine, which FastAPI runs in the event loop."""

    @wraps(endpoint)
    async def inline(*args: Any, **kwargs: Any) -> Any:
        return endpoint(*args, **kwargs)

    return inline
