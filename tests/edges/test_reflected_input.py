"""No value that a client sends comes back in a refusal, wherever it was sent and whoever refuses.

Each place gets a value that is found nowhere else. The one exception are the names
of fields in `errors[].pointer`, by which a client finds its mistake: they are bounded.
Each run makes a share of the attempts.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

import httpx2
import pytest
from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from pydantic_core import PydanticCustomError
from starlette.testclient import TestClient

from app.domain.errors import InvalidInput
from app.domain.kinds import Kind
from app.domain.validation import ERRORS_AT_MOST, POINTER_CHARACTERS
from tests.conftest import Aws
from tests.edges.described import document_of
from tests.edges.stored import URL, behind
from tests.edges.test_methods_over_http import ALLOWED
from tests.shares import Share

TEXT = "Zq7canaryXv"
NUMBER = 70_351_735_917_735
ID = "7e57ca9a-1111-4222-8333-94445555c0de"
#: Texts that are found in any case and any encoding: none of those in use escapes letters and digits.
TRACES = (TEXT.lower(), str(NUMBER), ID)


@dataclass(frozen=True)
class Attempt:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    content: bytes = b""

    def by(self, client: httpx2.Client) -> httpx2.Response:
        content = self.content if self.body is None else json.dumps(self.body).encode()
        headers = ({} if self.body is None else {"Content-Type": "application/json"}) | self.headers
        return client.request(self.method, self.path, headers=headers, content=content)


def check(answer: httpx2.Response, attempt: Attempt) -> bool:
    """True if it was a refusal; then nothing of the attempt may be in it."""
    if answer.status_code < 400:
        return False
    shown = [f"{name}: {value}" for name, value in answer.headers.items()]
    if answer.headers["Content-Type"] == "application/problem+json" and answer.content:
        problem = answer.json()
        for error in problem.get("errors", []):
            assert len(error.pop("pointer")) <= POINTER_CHARACTERS
        shown.append(json.dumps(problem))
    else:
        shown.append(answer.text)
    found = [line for line in shown if any(trace in line.lower() for trace in TRACES)]
    assert found == [], attempt
    return True


ATTEMPTS_PER_RUN = 120


def refused(client: httpx2.Client, attempts: Iterable[Attempt]) -> int:
    """Return how many attempts were refused."""
    return sum(check(attempt.by(client), attempt) for attempt in attempts)


@pytest.fixture
def _objects(client: httpx2.Client, aws: Aws) -> None:
    behind(client, aws).add("pending")


def methods_and_paths() -> Iterator[tuple[str, str]]:
    for path, methods in ALLOWED.items():
        yield from ((method, path) for method in methods)


def in_paths() -> Iterator[Attempt]:
    for word in (
        TEXT,
        ID,
        str(NUMBER),
        f"%3Cb%3E{TEXT}",
        f"{TEXT}%0d%0aX-Injected:%20{TEXT}",
        f"..%2f{TEXT}",
    ):
        for method, path in methods_and_paths():
            yield Attempt(method, f"{path.rstrip('/')}/{word}")
            yield Attempt(method, f"{path.rpartition('/')[0]}/{word}")
            if URL in path:
                yield Attempt(method, path.replace(URL, f"/v1/objects/{word}"))


def test_of_the_path(client: httpx2.Client, share: Share) -> None:
    assert refused(client, share.of(list(in_paths()), ATTEMPTS_PER_RUN)) > ATTEMPTS_PER_RUN / 10


def test_of_the_method(client: httpx2.Client) -> None:
    attempts = (Attempt(TEXT.upper(), path) for path in [*ALLOWED, "/nothing", f"/{TEXT}"])

    assert refused(client, attempts) == len(ALLOWED) + 2


def parameters(place: str) -> set[str]:
    """Return the parameters that the document knows, on whatever path."""
    operations = [op for item in document_of("api-key")["paths"].values() for op in item.values()]
    return {found["name"] for op in operations for found in op.get("parameters", []) if found["in"] == place}


def in_queries() -> Iterator[Attempt]:
    names = {*parameters("query"), TEXT}
    values = (TEXT, f"{TEXT}:{TEXT}", f":{TEXT}", str(NUMBER), f"-{NUMBER}", f"1e{NUMBER}", f"{TEXT}\0\r\n")
    for path in ("/v1/objects", URL, f"{URL}/history", f"{URL}/payload", "/v1/usage"):
        for name in names:
            yield from (Attempt("GET", f"{path}?{name}={quote(value)}") for value in values)
    everywhere = "&".join(f"{name}={TEXT}" for name in names)
    yield from (Attempt(method, f"{path}?{everywhere}") for method, path in methods_and_paths())


@pytest.mark.usefixtures("_objects")
def test_of_the_query(client: httpx2.Client, share: Share) -> None:
    assert refused(client, share.of(list(in_queries()), ATTEMPTS_PER_RUN)) > ATTEMPTS_PER_RUN / 10


READ = {*parameters("header"), "Accept", "Content-Type", "Origin", "X-Owner"}
UNREAD = (
    "Accept-Language",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Authorization",
    "Content-Encoding",
    "Cookie",
    "Forwarded",
    "If-Range",
    "Range",
    "Referer",
    "Traceparent",
    "User-Agent",
    "X-Amzn-Trace-Id",
    "X-Api-Key",
    "X-Correlation-Id",
    "X-Forwarded-Host",
    "X-Forwarded-Prefix",
    "X-Http-Method-Override",
    "X-Original-Url",
    "X-Request-Id",
    TEXT,
)


def in_headers() -> Iterator[Attempt]:
    """Yield the headers that the API reads one by one, then all others together."""
    body = {"kind": "record", "name": "n"}
    places = [*methods_and_paths(), ("OPTIONS", URL), ("GET", "/nothing")]
    for value in (TEXT, f'"{NUMBER}"', "x" * 300 + TEXT):
        for headers in (*({name: value} for name in READ), dict.fromkeys(UNREAD, value)):
            for method, path in places:
                yield Attempt(method, path, headers, body if method in ("POST", "PATCH", "PUT") else None)


@pytest.mark.usefixtures("_objects")
def test_of_a_header(client: httpx2.Client, share: Share) -> None:
    assert refused(client, share.of(list(in_headers()), ATTEMPTS_PER_RUN)) > ATTEMPTS_PER_RUN / 10


@pytest.mark.parametrize("origins", ["https://shop.example", "*"])
def test_of_what_a_browser_asks_before(make_app: Any, origins: str) -> None:
    attempts = [
        Attempt(
            "OPTIONS", URL, {"Origin": f"https://{TEXT}.example", "Access-Control-Request-Method": "GET"}
        ),
        Attempt("OPTIONS", URL, {"Origin": "https://shop.example", "Access-Control-Request-Method": TEXT}),
        Attempt(
            "OPTIONS",
            URL,
            {
                "Origin": "https://shop.example",
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": TEXT,
            },
        ),
    ]
    with TestClient(make_app("local", cors_origins=origins)) as client:
        assert refused(client, attempts) == (2 if origins == "*" else 3)


WRONG = (
    TEXT,
    f"{TEXT}\x00",
    TEXT * 100,
    NUMBER,
    -NUMBER,
    NUMBER + 0.5,
    True,
    None,
    [TEXT],
    [[NUMBER]],
    {"deep": TEXT},
    {"text": {"deep": NUMBER}},
)
BODIES: tuple[dict[str, Any], ...] = (
    {"kind": "record", "name": "n", "labels": {"a": "b"}, "attributes": {"a": 1}},
    {"kind": "dataset", "name": "n", "payload": {"media_type": "text/csv", "text": "a"}},
    {"kind": "image", "name": "n", "payload": {"media_type": "image/png", "base64": "AAAA"}},
    {"kind": "document", "name": "n", "payload": {"media_type": "text/plain", "size": 1, "sha256": "0" * 64}},
    {"kind": "file", "name": "n", "payload": {"media_type": "text/csv", "size": 1}},
)


def spoiled(body: Any) -> Iterator[Any]:
    """The body with each of its values, one after another, replaced by each wrong one."""
    yield from WRONG
    if not isinstance(body, dict):
        return
    for name, value in body.items():
        for wrong in spoiled(value):
            yield {**body, name: wrong}
    for wrong in WRONG:
        yield {**body, TEXT: wrong}
        yield {**body, f"{TEXT}/~{'x' * 5000}": wrong}


def in_bodies() -> Iterator[Attempt]:
    patch = {"name": "n", "labels": {"a": "b"}, "attributes": {"a": 1}}
    for body in BODIES:
        yield from (Attempt("POST", "/v1/objects", body=wrong) for wrong in spoiled(body))
    yield from (Attempt("PATCH", URL, body=wrong) for wrong in spoiled(patch))
    upload = {"media_type": "text/csv", "size": 1, "sha256": "0" * 64}
    yield from (Attempt("POST", f"{URL}/uploads", body=wrong) for wrong in spoiled(upload))


@pytest.mark.usefixtures("_objects")
def test_of_the_body(client: httpx2.Client, share: Share) -> None:
    assert refused(client, share.of(list(in_bodies()), ATTEMPTS_PER_RUN)) > ATTEMPTS_PER_RUN / 10


@pytest.mark.parametrize("content", [TEXT, f"{{{TEXT}", f'"{TEXT}', f"[{NUMBER}", f'{{"{TEXT}": NaN}}'])
def test_of_what_is_no_json(client: httpx2.Client, content: str) -> None:
    headers = {"Content-Type": "application/json"}
    attempt = Attempt("POST", "/v1/objects", headers, content=content.encode())

    assert check(attempt.by(client), attempt)


def test_every_parameter_is_tried() -> None:
    assert parameters("query") >= {"kind", "status", "label", "limit", "cursor"}
    assert parameters("header") >= {"Idempotency-Key", "If-Match", "If-None-Match"}


def test_the_test_finds_what_is_reflected() -> None:
    for shown in (TEXT, TEXT.upper(), f"got {NUMBER}", f"/objects/{ID}"):
        for answer in (
            httpx2.Response(
                422, json={"detail": shown}, headers={"Content-Type": "application/problem+json"}
            ),
            httpx2.Response(400, text=shown),
            httpx2.Response(400, text="", headers={"X-Said": shown}),
        ):
            with pytest.raises(AssertionError):
                check(answer, Attempt("GET", "/"))


class TestPointers:
    """Names of fields are the client's own words too."""

    def test_one_that_is_too_long_points_to_what_is_around_it(self, client: httpx2.Client) -> None:
        body = {"kind": "record", "name": "n", "labels": {"k" * 5000: "v"}, "x" * 5000: 1}

        answer = client.post("/v1/objects", json=body).json()

        assert {error["pointer"] for error in answer["errors"]} == {"/labels", ""}

    def test_no_more_than_a_hundred_are_named(self, client: httpx2.Client) -> None:
        """A body of 4 MiB has room for half a million wrong fields; Lambda answers with 6 MB at most."""
        body = {"kind": "record", "name": "n"} | {f"wrong{number}": 1 for number in range(20_000)}

        answer = client.post("/v1/objects", json=body)

        problem = answer.json()
        assert (answer.status_code, len(problem["errors"])) == (422, ERRORS_AT_MOST)
        assert problem["detail"] == "At least 100 fields are wrong; `errors` names the first."


class Attributes(BaseModel):
    """The rules of a kind as an adopter might write them, with messages that repeat the input."""

    model_config = ConfigDict(strict=True, extra="forbid")

    country: str = ""
    colour: Literal["red", "green"] = "red"
    reference: UUID | None = None
    numbers: list[int] = []
    shade: str = ""
    size: str = ""
    note: str = ""

    @field_validator("country")
    @classmethod
    def _known(cls, value: str) -> str:
        if len(value) > 2:
            raise ValueError(f"{value!r} is no country")
        return value

    @field_validator("shade")
    @classmethod
    def _shade(cls, value: str) -> str:
        raise PydanticCustomError("value_error", "No such shade: {value}", {"value": value})

    @field_validator("size")
    @classmethod
    def _size(cls, value: str) -> str:
        raise PydanticCustomError("no_such_size", "{value} is no size", {"value": value})

    @field_validator("note")
    @classmethod
    def _note(cls, value: str) -> str:
        raise ValueError(f"{value!r} is no note" if value.isascii() else f"{value!a} is no note")

    @model_validator(mode="after")
    def _whole(self) -> "Attributes":
        assert sum(self.numbers) < 10, f"{self.numbers} is too much"
        if self.country == "xx":
            raise ValueError("xx has no numbers")
        return self


def problem_of(attributes: dict[str, Any]) -> InvalidInput:
    kind = Kind(name="sample", description="", attributes=Attributes)
    with pytest.raises(InvalidInput) as refusal:
        kind.check_attributes(attributes)
    return refusal.value


@pytest.mark.parametrize(
    "attributes",
    [
        {"country": TEXT},
        {"country": NUMBER},
        {"colour": TEXT},
        {"reference": TEXT},
        {"numbers": [NUMBER]},
        {"numbers": [TEXT]},
        {"numbers": {"a": TEXT}},
        {TEXT: TEXT},
        {"shade": TEXT},
        {"size": TEXT},
        {"note": f"{TEXT}\n"},
        {"note": f"{TEXT}é"},
    ],
    ids=str,
)
def test_of_attributes_whose_rules_repeat_it(attributes: dict[str, Any]) -> None:
    for error in problem_of(attributes).errors:
        assert not any(trace in error.detail.lower() for trace in TRACES)
        assert error.detail


@pytest.mark.parametrize(
    ("attributes", "detail"),
    [
        ({"country": "xx"}, "xx has no numbers"),
        ({"shade": "x"}, "No such shade: x"),
        ({"size": "x"}, "x is no size"),
    ],
    ids=str,
)
def test_a_rule_of_ones_own_says_what_it_says(attributes: dict[str, Any], detail: str) -> None:
    assert problem_of(attributes).errors[0].detail == detail


def test_pointers_into_attributes_are_bounded_too() -> None:
    assert [error.pointer for error in problem_of({"a" * 5000: 1}).errors] == ["/attributes"]
