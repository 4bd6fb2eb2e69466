"""Makes the OpenAPI document: what FastAPI finds in signatures, and the contracts of the routes.

FastAPI knows paths, parameters, bodies and models. Success, their headers,
problems, examples, links and security come from `@documents` beside each route.
This module is apart from the routes because only the document needs it: the app
imports it when the document is asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api.contracts import Contract, Success, contracts_of
from app.api.middleware.security_headers import CACHE_CONTROL
from app.api.openapi.by_kind import SCHEMAS, tell_kinds_apart
from app.api.openapi.examples import EXAMPLES
from app.api.openapi.security import SCHEMES, gateway_codes, requirement
from app.api.openapi.tidy import tidy
from app.api.problems.catalogue import PAGES, Answer
from app.api.problems.details import MEDIA_TYPE, RETRY_AFTER_SECONDS, ProblemOut
from app.api.problems.examples import PROBLEMS, REQUEST_ID
from app.api.schemas.objects import DeletedOut
from app.config import AuthMode

Json = dict[str, Any]

DESCRIPTION = """\
Every error is an `application/problem+json` document (RFC 9457) with a stable `code`. This includes an
unknown path (404), and a method that a path does not have (405, with `Allow`). HEAD is answered wherever
GET is, with the same headers and no content. OPTIONS is answered with 204 and `Allow`. Every answer has a
`Request-Id`, which is also in the logs.
"""

TAGS = {
    "objects": "Create, read, change, delete and list objects.",
    "payloads": "Upload a new payload of an object; download the last one that is ready.",
    "artifacts": "Download the files that were made from a payload.",
    "links": "Links for others to a payload or an artifact, which open without credentials.",
    "history": "The events of one object.",
    "events": "The events of all your objects.",
    "webhooks": "Be told of your events by signed requests to a URL of yours.",
    "deliveries": "What was sent to a webhook and what came back; sending again.",
    "kinds": "The kinds of object, and the rules of each.",
    "usage": "How much the caller uses.",
    "health": "Whether the service works.",
    "problems": "The pages that the `type` of a problem points to.",
}

ENTITY_TAG = {"type": "string", "pattern": '^"[1-9][0-9]*"$'}
HEADERS: dict[str, Json] = {
    "Allow": {
        "description": "The methods that this path has.",
        "required": True,
        "schema": {"type": "string"},
        "example": "GET, HEAD, OPTIONS",
    },
    "Cache-Control": {
        "description": "Only the caller may store the answer, and must ask again with `If-None-Match`. A "
        "short-lived URL must not be stored at all.",
        "required": True,
        "schema": {"type": "string", "enum": [CACHE_CONTROL, "no-store"]},
    },
    "ETag": {
        "description": "The object's version, as a strong entity tag.",
        "required": True,
        "schema": ENTITY_TAG,
        "example": '"3"',
    },
    "Idempotency-Replayed": {
        "description": "Present if this key was used before; the body is the object's current state.",
        "schema": {"type": "string", "const": "true"},
    },
    "Preference-Applied": {
        "description": "Present if the service waits for a change; for how long at most.",
        "schema": {"type": "string", "pattern": "^wait=[0-9]+$"},
        "example": "wait=20",
    },
    "Location": {
        "description": "URL of the new object, or of the download.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Request-Id": {
        "description": "Names this request in the logs and in problem details.",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
        "example": REQUEST_ID,
    },
    "Retry-After": {
        "description": "After how many seconds to ask again. An object has it while it is `pending` or "
        "`processing`.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": RETRY_AFTER_SECONDS,
    },
}
EVERYWHERE = ("Request-Id", "Cache-Control")
STATUS_HEADERS = {405: ("Allow",), 412: ("ETag",), 429: ("Retry-After",), 503: ("Retry-After",)}


def describe(app: FastAPI, auth_mode: AuthMode) -> Json:
    """Return the whole document. Raises UndocumentedRoute."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": about} for name, about in TAGS.items()],
        servers=[{"url": "/"}],
    )
    contracts = contracts_of(app.routes)
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation, contracts[operation["operationId"]], auth_mode)
    document["security"] = requirement(auth_mode)
    document["components"] |= _components(document["components"]["schemas"], auth_mode)
    return tidy(document)


def _components(schemas: Json, auth_mode: AuthMode) -> Json:
    for default in ("HTTPValidationError", "ValidationError"):
        schemas.pop(default, None)
    problem = ProblemOut.model_json_schema(ref_template=SCHEMAS + "{model}")
    schemas |= problem.pop("$defs") | {"ProblemOut": problem}
    problem["properties"]["code"]["enum"] = sorted(PAGES)
    schemas["DeletedOut"] = DeletedOut.model_json_schema(ref_template=SCHEMAS + "{model}")
    schemas["DeletedOut"].pop("$defs")
    shown = ("ObjectOut", "DeletedOut")
    schemas["EventOut"]["properties"]["data"] = {"anyOf": [{"$ref": SCHEMAS + name} for name in shown]}
    tell_kinds_apart(schemas)
    return {
        "schemas": dict(sorted(schemas.items())),
        "headers": HEADERS,
        "examples": _shown(PROBLEMS),
        "responses": {
            "NotFound": _problem_answer([PAGES["not_found"]]),
            "MethodNotAllowed": _problem_answer([PAGES["method_not_allowed"]]),
        },
        "securitySchemes": SCHEMES[auth_mode],
    }


def _complete(operation: Json, contract: Contract, auth_mode: AuthMode) -> None:
    """Complete an operation with what its contract says."""
    operation["summary"] = operation["description"].partition("\n\n")[0].partition(". ")[0].rstrip(".")
    found = operation["responses"]
    answers = {
        str(status): _answer(found.get(str(status), {}), of) for status, of in contract.answers.items()
    }
    answers |= _refusals(contract.refuses + gateway_codes(auth_mode, is_open=contract.is_open))
    links = {
        target: {"operationId": target, "parameters": dict(parameters)}
        for target, parameters in contract.leads_to.items()
    }
    if links:
        # The lowest status is the answer that has a body.
        answers[str(min(contract.answers))]["links"] = links
    operation["responses"] = dict(sorted(answers.items()))
    if contract.is_open:
        operation["security"] = []
    for media_type, names in contract.requests.items():
        operation["requestBody"]["content"][media_type]["examples"] = _examples(names)


def _answer(found: Json, success: Success) -> Json:
    answer: Json = {
        "description": success.description,
        "headers": _headers(*success.headers),
    }
    if "content" in found:
        answer["content"] = found["content"]
    for body in answer.get("content", {}).values():
        if success.examples:
            body["examples"] = _examples(success.examples)
    return answer


def _refusals(codes: tuple[str, ...]) -> Json:
    """Return the answer of each status that the codes have."""
    by_status: dict[int, list[Answer]] = defaultdict(list)
    for code in codes:
        by_status[PAGES[code].status].append(PAGES[code])
    return {str(status): _problem_answer(answers) for status, answers in by_status.items()}


def _problem_answer(answers: list[Answer]) -> Json:
    """Return the answer of one status, with its possible codes and an example of each."""
    codes = sorted({answer.code for answer in answers})
    status = answers[0].status
    return {
        "description": "; ".join(f"{PAGES[code].title} (`{code}`)" for code in codes),
        "headers": _headers(*STATUS_HEADERS.get(status, ())),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": f"{SCHEMAS}ProblemOut", "properties": {"code": {"enum": codes}}},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*EVERYWHERE, *names)}


def _examples(names: Iterable[str]) -> Json:
    return _shown({name.rpartition(".")[2]: EXAMPLES[name] for name in names})


def _shown(bodies: Mapping[str, Any]) -> Json:
    return {name: {"value": body} for name, body in bodies.items()}
