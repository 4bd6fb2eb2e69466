"""The OpenAPI document is valid, current and fit for client generators; its examples work."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, get_args

import httpx2
import pytest
from fastapi import APIRouter
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate
from starlette.responses import PlainTextResponse

from app.api.app import create_app
from app.api.contracts import Contract, UndocumentedRoute, contracts_of, documents
from app.api.http.route import StrictRoute
from app.api.openapi.document import HEADERS, describe
from app.api.openapi.examples import EXAMPLES
from app.api.openapi.security import SCHEMES
from app.api.problems.catalogue import PAGES
from app.api.routes import kinds
from app.api.schemas.objects import ObjectOut, SummaryOut
from app.api.services import ApiServices
from app.config import AuthMode
from app.domain.kinds import KINDS, Kind
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact
from app.domain.objects.views import public_view, summary_view
from app.observability.logs import IN_LAMBDA
from scripts.build.openapi import as_text, document
from tests.conftest import Aws
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.described import CONTRACTS, bare_app, document_of
from tests.edges.requests import SUBSCRIPTION
from tests.edges.stored import behind
from tests.statuses import STATUSES, make_in

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"
OPEN = {"checkHealth", "openLink", "readProblem"}
#: A fault of ours; and what a path answers to a method that is not an operation.
NOT_OF_AN_OPERATION = {"internal_error", "method_not_allowed"}

Json = dict[str, Any]


class Example(NamedTuple):
    operation: str
    method: str
    path: str
    media_type: str
    name: str
    body: Any
    statuses: frozenset[int]

    def __str__(self) -> str:
        return f"{self.operation}-{self.name}-{self.media_type}"


def operations() -> Iterator[tuple[str, str, Json]]:
    for path, item in document_of("api-key")["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def request_examples() -> Iterator[Example]:
    for path, method, operation in operations():
        statuses = frozenset(int(status) for status in operation["responses"] if int(status) < 300)
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            for name, example in content.get("examples", {}).items():
                body = example["value"]
                yield Example(operation["operationId"], method, path, media_type, name, body, statuses)


def answer_examples() -> Iterator[tuple[str, Json, Any]]:
    shared = document_of("api-key")["components"]["examples"]
    for _, _, operation in operations():
        for status, answer in operation["responses"].items():
            for content in answer.get("content", {}).values():
                for name, example in content.get("examples", {}).items():
                    value = example["value"] if "value" in example else shared[name]["value"]
                    yield f"{operation['operationId']}-{status}-{name}", content["schema"], value


REQUESTS = list(request_examples())
ANSWERS = list(answer_examples())


def test_the_committed_document_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == as_text(document()), "run: make openapi"


@pytest.mark.parametrize("auth_mode", get_args(AuthMode))
def test_the_document_is_valid_openapi(auth_mode: AuthMode) -> None:
    found = document_of(auth_mode)

    assert found["openapi"].startswith("3.1")
    validate(found)


def test_the_summary_and_the_description_say_nothing_twice() -> None:
    """Swagger UI shows one below the other."""
    info = document_of("local")["info"]
    sentences = [one.strip() for one in re.split(r"(?<=[.])\s+", f"{info['summary']} {info['description']}")]

    assert len({one[:20] for one in sentences}) == len(sentences) > 3


def test_the_document_is_built_once(services: ApiServices) -> None:
    app = create_app(services, settings_for("local"))

    assert app.openapi() is app.openapi()


@pytest.mark.parametrize(("stage", "server"), [("dev", "/dev"), ("", "/")])
def test_the_server_is_where_the_document_is_read(services: ApiServices, stage: str, server: str) -> None:
    with through_lambda(create_app(services, settings_for("api-key")), stage=stage) as client:
        found = client.get("/openapi.json").json()

    assert found["servers"] == [{"url": server}]


def test_a_route_without_a_contract_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    router = APIRouter(prefix="/v1", route_class=StrictRoute)
    router.get("/things", operation_id="listThings")(nothing)
    monkeypatch.setattr(kinds, "router", router)

    with pytest.raises(UndocumentedRoute) as refused:
        bare_app.__wrapped__("api-key")

    assert str(refused.value) == (
        'GET /v1/things (operation_id "listThings") has no contract. '
        'Write @documents(answers={200: "..."}, refuses=(...)) below @router.get(...).'
    )


def test_a_route_without_a_docstring_is_refused_too() -> None:
    router = APIRouter()
    router.get("/things", operation_id="listThings")(documents(answers={200: "Things"})(lambda: None))

    with pytest.raises(
        UndocumentedRoute, match=r'GET /things \(operation_id "listThings"\) has no docstring'
    ):
        contracts_of(router.routes)


def test_a_route_of_several_methods_or_without_a_name_is_told_as_it_is() -> None:
    router = APIRouter()
    router.api_route("/things", methods=["PUT", "PATCH"])(nothing)

    with pytest.raises(UndocumentedRoute, match=r"PATCH, PUT /things .*_things_.* below @router\.api_route"):
        contracts_of(router.routes)


@pytest.mark.parametrize("function_name", [None, "api"])
def test_a_contract_is_found_below_wrappers(
    monkeypatch: pytest.MonkeyPatch, function_name: str | None
) -> None:
    """A function is wrapped in Lambda, and may be marked before or after that."""
    if function_name:
        monkeypatch.setenv(IN_LAMBDA, function_name)
    router = APIRouter(route_class=StrictRoute)
    mark = documents(answers={200: "Things"})

    @router.get("/below", operation_id="below")
    @mark
    def marked_first() -> None:
        """Below."""

    @mark
    @router.get("/above", operation_id="above")
    def marked_last() -> None:
        """Above."""

    assert set(contracts_of(router.routes)) == {"below", "above"}


def test_a_page_outside_the_document_needs_no_contract() -> None:
    router = APIRouter()
    router.get("/page", include_in_schema=False)(nothing)
    router.add_route("/starlette", lambda _: PlainTextResponse("hello"))

    assert contracts_of(router.routes) == {}


def test_the_routes_and_the_document_tell_of_the_same_operations() -> None:
    assert {operation["operationId"] for _, _, operation in operations()} == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_every_name_in_a_contract_exists(contract: Contract) -> None:
    assert named_examples(contract) <= set(EXAMPLES)
    assert {name for answer in contract.answers.values() for name in answer.headers} <= set(HEADERS)
    assert set(contract.refuses) <= set(PAGES)
    assert set(contract.leads_to) <= set(CONTRACTS)


def test_every_example_is_shown() -> None:
    shown = {name for contract in CONTRACTS.values() for name in named_examples(contract)}

    assert shown == set(EXAMPLES)


def named_examples(contract: Contract) -> set[str]:
    answers = [answer.examples for answer in contract.answers.values()]
    return {name for names in (*answers, *contract.requests.values()) for name in names}


def nothing() -> None:
    """A route that answers nothing."""


def test_operations_are_named_for_client_generators() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]

    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name) for name in names)
    assert {tag for *_, operation in operations() for tag in operation["tags"]} == {
        tag["name"] for tag in document_of("api-key")["tags"]
    }


def test_parameters_are_never_null_and_all_document_of() -> None:
    parameters = [parameter for *_, op in operations() for parameter in op.get("parameters", [])]

    assert {p["name"] for p in parameters if p["in"] == "header"} == {
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Prefer",
    }
    assert all("anyOf" not in parameter["schema"] for parameter in parameters)
    assert all(parameter["description"] for parameter in parameters)


def test_no_default_fills_in_what_a_client_leaves_out() -> None:
    assert '"default"' not in json.dumps(document_of("api-key")["components"]["schemas"])


#: Media types that openapi-python-client can send. It leaves out an operation whose body has none of them.
SENT_BY_GENERATED_CLIENTS = re.compile(r"application/(octet-stream|json|[a-z-]+\+json)")


def test_every_body_is_of_a_type_that_generated_clients_send() -> None:
    bodies = {
        op["operationId"]: op["requestBody"]["content"] for *_, op in operations() if "requestBody" in op
    }

    assert "putPayload" in bodies
    for content in bodies.values():
        assert any(map(SENT_BY_GENERATED_CLIENTS.fullmatch, content))
        assert not any("*" in media_type for media_type in content)


@pytest.mark.parametrize("model", ["ObjectOut", "CreatedOut", "ListedOut"])
def test_an_object_is_told_by_its_kind_and_has_the_summary_of_it(model: str) -> None:
    schemas = document_of("api-key")["components"]["schemas"]
    mapping = schemas[model]["discriminator"]["mapping"]

    assert list(mapping) == list(KINDS)
    assert schemas[model]["oneOf"] == [{"$ref": reference} for reference in mapping.values()]
    for kind, reference in mapping.items():
        members = schemas[reference.rpartition("/")[2]]["properties"]
        result = schemas[members["result"]["anyOf"][0]["$ref"].rpartition("/")[2]]
        assert members["kind"]["const"] == kind
        assert result["properties"]["summary"] == summary_of(kind)


def summary_of(kind: str) -> Json:
    name = KINDS[kind].summary.__name__
    if name == "AnySummary":
        return {"type": "object", "additionalProperties": True}
    return {"$ref": f"#/components/schemas/{name}"}


def test_an_object_of_another_registered_kind_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "sound", Kind(name="sound", description="A sound.", processor="sound"))

    found = describe(bare_app("api-key"), "api-key")["components"]["schemas"]

    assert found["ObjectOut"]["discriminator"]["mapping"]["sound"] == "#/components/schemas/SoundObject"
    assert found["SoundObject"]["properties"]["kind"] == {"type": "string", "const": "sound"}


def test_no_member_can_only_be_null() -> None:
    """openapi-fetch drops such members, as a record would have."""
    for name, schema in document_of("api-key")["components"]["schemas"].items():
        for member, of in schema.get("properties", {}).items():
            assert of.get("type") != "null", f"{name}.{member}"


def test_refusals_are_problem_documents_with_their_codes() -> None:
    told = set()
    for *_, operation in operations():
        for status, answer in operation["responses"].items():
            if "application/problem+json" not in answer.get("content", {}):
                continue
            codes = answer["content"]["application/problem+json"]["schema"]["properties"]["code"]["enum"]
            assert {PAGES[code].status for code in codes} == {int(status)}
            told |= set(codes)

    assert told == set(PAGES) - NOT_OF_AN_OPERATION
    assert "HTTPValidationError" not in json.dumps(document_of("local"))


@pytest.mark.parametrize("auth_mode", get_args(AuthMode))
def test_every_operation_that_is_not_open_needs_the_caller(auth_mode: AuthMode) -> None:
    found = document_of(auth_mode)

    ((name, _scheme),) = found["components"]["securitySchemes"].items()
    paths = found["paths"].values()
    without = {op["operationId"] for item in paths for op in item.values() if op.get("security") == []}
    assert [name] == list(SCHEMES[auth_mode])
    assert {name: []} in found["security"]
    assert without == OPEN


@pytest.mark.parametrize("example", REQUESTS, ids=str)
def test_an_example_of_a_request_works(client: httpx2.Client, aws: Aws, example: Example) -> None:
    """The client checks each answer against the document."""
    kind = {"updateObject": "record", "signParts": "parts"}.get(example.operation, "text")
    (create,) = (e.body for e in REQUESTS if (e.operation, e.name) == ("createObject", kind))
    object_id = client.post("/v1/objects", json=create).json()["id"]
    if example.operation == "createLink":
        object_id = a_picture(aws, client).id
    webhook_id = client.post("/v1/webhooks", json=SUBSCRIPTION).json()["id"]
    content = example.body if isinstance(example.body, str) else json.dumps(example.body)

    answer = client.request(
        example.method,
        example.path.replace("{object_id}", object_id).replace("{webhook_id}", webhook_id),
        content=content.encode(),
        headers={"Content-Type": example.media_type},
    )

    assert answer.status_code in example.statuses


def a_picture(aws: Aws, client: httpx2.Client) -> StoredObject:
    """Return an object that is ready and has a thumbnail."""
    thumbnail = Artifact("thumbnail.webp", "image/webp", 68, "b" * 64)
    ready = replace(make_in("ready", kind="image"), owner=behind(client, aws).owner, artifacts=(thumbnail,))
    return aws.adapters().objects.add(ready)


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "deleted"])
def test_the_document_has_every_member_of_an_object(status: str) -> None:
    stored = make_in(status)
    whole, summary = public_view(stored), summary_view(stored)

    assert ObjectOut.model_validate(whole, extra="forbid").model_dump() == whole
    assert SummaryOut.model_validate(summary, extra="forbid").model_dump() == summary


@pytest.mark.parametrize(("schema", "value"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_an_example_of_an_answer_is_one_and_has_no_other_members(schema: Json, value: Any) -> None:
    schemas = document_of("api-key")["components"]["schemas"]
    whole = {**closed(schema), "components": {"schemas": closed(schemas)}}

    Draft202012Validator(whole, validate_formats=True).validate(value)


def closed(schema: Any) -> Any:
    """Return the schema without room for members that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(one) for name, one in schema.items()}
    is_object = schema.get("type") == "object" and "properties" in schema
    return {"additionalProperties": False} | found if is_object else found
