"""The contract of a route: what it answers and refuses. It stands beside the function.

FastAPI reads paths, parameters, bodies and models from signatures. `documents`
adds what signatures do not tell, in words, statuses and names only, so that a
request loads neither the document nor its examples. `app.api.openapi.document`
looks the names up when the document is asked for.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

Function = TypeVar("Function", bound=Callable[..., Any])

MARK = "__contract__"


@dataclass(frozen=True, slots=True)
class Success:
    """One successful answer."""

    description: str
    #: Names in `HEADERS` of app.api.openapi.document, besides those that every answer has.
    headers: tuple[str, ...] = ()
    #: Names in `EXAMPLES` of app.api.openapi.examples.
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The answers and refusals that a route promises."""

    #: The successful answers, by HTTP status.
    answers: Mapping[int, Success]
    #: Problem codes; each stands for its status too.
    refuses: tuple[str, ...] = ()
    #: Names of example bodies, by media type.
    requests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Operations to call next, by operation id. Each parameter is an expression on the answer.
    leads_to: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: True if the route can be called by anybody.
    is_open: bool = False


class UndocumentedRoute(Exception):
    """A route of the document has no contract, or no docstring to describe it."""

    def __init__(self, methods: set[str], path: str, operation_id: str, *, has_contract: bool) -> None:
        names = sorted(methods)
        decorator = names[0].lower() if len(names) == 1 else "api_route"
        missing = (
            "docstring. The document takes its summary and description from it."
            if has_contract
            else 'contract. Write @documents(answers={200: "..."}, refuses=(...)) '
            f"below @router.{decorator}(...)."
        )
        super().__init__(f'{", ".join(names)} {path} (operation_id "{operation_id}") has no {missing}')


def documents(
    *,
    answers: Mapping[int, Success | str],
    refuses: tuple[str, ...] = (),
    requests: Mapping[str, tuple[str, ...]] | None = None,
    leads_to: Mapping[str, Mapping[str, str]] | None = None,
    is_open: bool = False,
) -> Callable[[Function], Function]:
    """Mark a function with its contract, and return it as it is.

    A text among the answers stands for `Success` with only a description.
    """
    contract = Contract(
        answers={
            status: Success(answer) if isinstance(answer, str) else answer
            for status, answer in answers.items()
        },
        refuses=refuses,
        requests=requests or {},
        leads_to=leads_to or {},
        is_open=is_open,
    )

    def mark(function: Function) -> Function:
        setattr(function, MARK, contract)
        return function

    return mark


def contracts_of(routes: Sequence[BaseRoute]) -> dict[str, Contract]:
    """Return the contract of every route that is in the document, by operation id.

    Raises UndocumentedRoute.
    """
    contracts = {}
    for route in iter_route_contexts(routes):
        if not getattr(route, "include_in_schema", False) or not hasattr(route, "operation_id"):
            continue  # a page, a mount or a socket
        operation_id = route.operation_id or route.unique_id
        # In Lambda the endpoint wraps the function, which may be marked after it was wrapped.
        marked = route.endpoint and inspect.unwrap(route.endpoint, stop=lambda one: hasattr(one, MARK))
        contract: Contract | None = getattr(marked, MARK, None)
        if contract is None or not route.description:
            methods, has_contract = route.methods or set(), contract is not None
            raise UndocumentedRoute(methods, str(route.path), operation_id, has_contract=has_contract)
        contracts[operation_id] = contract
    return contracts


# The problem codes that several routes share.
#: Every route refuses at least unknown query parameters as `invalid_input`.
CALLER = ("unauthenticated", "unavailable", "invalid_input")
ONE_OBJECT = (*CALLER, "not_found")
ONE_WEBHOOK = (*CALLER, "not_found", "webhooks_off")
CHANGE = (*ONE_OBJECT, "concurrent_change")
#: The codes that the parameter `owner` adds.
READ = ("forbidden",)
JSON_ANSWER = ("not_acceptable",)
JSON_BODY = (
    "malformed_json",
    "body_too_large",
    "unsupported_media_type",
    "encoded_body",
    "invalid_input",
    *JSON_ANSWER,
)
NEW_PAYLOAD = ("no_payload_allowed", "wrong_state", "too_many_changes")
PRECONDITION = ("invalid_precondition", "version_mismatch")
CURSOR = ("invalid_cursor", "invalid_input", *JSON_ANSWER)

# The answers of both downloads: of a payload and of an artifact.
DOWNLOAD = {
    200: Success("The URL, with `Accept: application/json`", examples=("download",)),
    307: Success("To a URL that is valid for a short time", headers=("Location",)),
}

# The parameters of the operations that an answer leads to.
THIS_OBJECT = {"object_id": "$response.body#/id"}
FIRST_ARTIFACT = THIS_OBJECT | {"name": "$response.body#/result/artifacts/0/name"}
ON_AN_OBJECT = dict.fromkeys(
    (
        "readObject",
        "updateObject",
        "deleteObject",
        "requestUpload",
        "readUpload",
        "cancelUpload",
        "putPayload",
        "reprocessObject",
        "createLink",
        "listLinks",
        "readHistory",
    ),
    THIS_OBJECT,
)
THIS_WEBHOOK = {"webhook_id": "$response.body#/id"}
ON_A_WEBHOOK = dict.fromkeys(
    (
        "readWebhook",
        "updateWebhook",
        "deleteWebhook",
        "rotateWebhookSecret",
        "testWebhook",
        "listDeliveries",
        "replayDeliveries",
    ),
    THIS_WEBHOOK,
)
