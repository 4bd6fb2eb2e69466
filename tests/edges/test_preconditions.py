"""Conditional requests as RFC 9110, section 13, has them; the entity tag is the version."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from app.api.app import create_app
from app.api.services import ApiServices
from tests.conftest import Aws
from tests.edges.conftest import settings_for, through_lambda
from tests.edges.stored import URL, Stored, behind

VERSION = 3
#: A patch that changes nothing.
SAME = {"name": "order 42"}


@pytest.fixture
def stored(client: httpx2.Client, aws: Aws) -> Stored:
    stored = behind(client, aws)
    stored.add_record(version=VERSION)
    return stored


def patch(client: httpx2.Client, tags: str, body: Any = SAME) -> httpx2.Response:
    return client.patch(URL, json=body, headers={"If-Match": tags})


def read(client: httpx2.Client, tags: str) -> httpx2.Response:
    return client.get(URL, headers={"If-None-Match": tags})


MALFORMED = ("", "3", '"3', "'3'", '"3" "2"', '"3", *', "**", 'w/"3"', "W/3", ",", '"3"; "2"', '"3 "')

#: Values of If-Match, and the answers to a change of version 3; a weak tag never matches.
IF_MATCH = {
    '"3"': 200,
    "*": 200,
    '"1", "3"': 200,
    '"1","2" ,\t"3"': 200,
    ', "3" ,,': 200,
    '"a,b", "3"': 200,
    'W/"1", "3"': 200,
    '"2"': 412,
    '"1", "2"': 412,
    'W/"3"': 412,
    'W/"3", "2"': 412,
    '""': 412,
    '"+3"': 412,
    '"three"': 412,
    '"3.0"': 412,
    '"99999999999999999999"': 412,
} | dict.fromkeys(MALFORMED, 400)


@pytest.mark.usefixtures("stored")
def test_a_change_is_made_only_at_a_version_that_if_match_names(client: httpx2.Client) -> None:
    answers = {tags: patch(client, tags).status_code for tags in IF_MATCH}

    assert answers == IF_MATCH


def test_a_tag_is_compared_as_it_is_written(client: httpx2.Client, stored: Stored) -> None:
    """Tags are compared character by character (section 8.8.3.2): the service never gave the tag `"03"`."""
    answers = {tags: patch(client, tags).status_code for tags in ('"03"', '"0003"')}

    assert answers == {'"03"': 412, '"0003"': 412}
    assert stored.now().version == VERSION


@pytest.mark.usefixtures("stored")
def test_a_tag_of_any_length_is_another_one(client: httpx2.Client) -> None:
    """Python's int() takes no more than 4,300 digits."""
    assert patch(client, f'"{"9" * 5000}"').status_code == 412


@pytest.mark.usefixtures("stored")
def test_a_list_may_be_sent_in_several_lines(client: httpx2.Client) -> None:
    """Repeated headers are one list (section 5.3), through either door."""
    changing = client.patch(URL, json=SAME, headers=[("If-Match", '"2"'), ("If-Match", '"3"')])
    reading = client.get(URL, headers=[("If-None-Match", '"2"'), ("If-None-Match", '"3"')])

    assert (changing.status_code, reading.status_code) == (200, 304)


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Fail after some time, where a test would run for years."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_long_header_of_commas_is_refused_at_once(services: ApiServices, header: str) -> None:
    """API Gateway lets 10 KB of headers through; to try every way to read them would take years."""
    commas = '"3"' + " , " * 2000 + "x"
    with through_lambda(create_app(services, settings_for("api-key"))) as client, at_most(seconds=10):
        method = "PATCH" if header == "If-Match" else "GET"
        answer = client.request(method, URL, json=SAME, headers={header: commas})

    assert answer.status_code == 400


def test_a_refused_change_tells_the_version_there_is(client: httpx2.Client, stored: Stored) -> None:
    answer = patch(client, '"2"', {"name": "new"})

    problem = answer.json()
    assert (answer.headers["ETag"], problem["code"]) == ('"3"', "version_mismatch")
    assert "version 3" in problem["detail"]
    assert stored.now().name == "order 42"


def test_with_the_version_from_the_refusal_the_change_is_made(client: httpx2.Client, stored: Stored) -> None:
    refused = patch(client, '"2"', {"name": "new"})

    answer = patch(client, refused.headers["ETag"], {"name": "new"})

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"4"')
    assert stored.now().name == "new"


def test_no_update_is_lost_between_two_who_read_the_same_version(
    client: httpx2.Client, stored: Stored
) -> None:
    tag = client.get(URL).headers["ETag"]

    first = patch(client, tag, {"name": "first"})
    second = patch(client, tag, {"name": "second"})

    assert (first.status_code, second.status_code) == (200, 412)
    assert stored.now().name == "first"


def test_what_is_not_there_has_no_version_to_match(client: httpx2.Client, stored: Stored) -> None:
    stored.aws.dynamodb.delete_item(
        TableName=stored.aws.table, Key={"pk": {"S": f"{stored.owner}#{URL[-36:]}"}, "sk": {"S": "object"}}
    )

    answers = {tags: patch(client, tags).status_code for tags in ("*", '"3"')}

    assert answers == {"*": 404, '"3"': 404}


@pytest.mark.parametrize("tags", ['"2"', "3", '"3"'])
def test_a_deletion_is_conditional_too(client: httpx2.Client, stored: Stored, tags: str) -> None:
    answer = client.delete(URL, headers={"If-Match": tags})

    assert answer.status_code == {'"2"': 412, "3": 400, '"3"': 204}[tags]
    assert (stored.now().status == "deleted") is (tags == '"3"')


#: Values of If-None-Match, and the answers to a read of version 3; weak tags match (section 13.1.2).
IF_NONE_MATCH = {
    '"3"': 304,
    "*": 304,
    'W/"3"': 304,
    '"1", "3"': 304,
    '"1",W/"3"': 304,
    ', "3" ,,': 304,
    '"2"': 200,
    '"1", W/"2"': 200,
    '""': 200,
    '"03"': 200,
} | dict.fromkeys(MALFORMED, 400)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.usefixtures("stored")
def test_a_version_that_the_client_has_is_not_sent_again(client: httpx2.Client, method: str) -> None:
    answers = {
        tags: client.request(method, URL, headers={"If-None-Match": tags}).status_code
        for tags in IF_NONE_MATCH
    }

    assert answers == IF_NONE_MATCH


@pytest.mark.usefixtures("stored")
def test_not_modified_has_the_tag_and_no_body(client: httpx2.Client) -> None:
    answer = read(client, '"3"')

    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", '"3"')
    assert "Content-Type" not in answer.headers
    assert answer.headers["Request-Id"]


def test_a_new_version_is_sent(client: httpx2.Client, stored: Stored) -> None:
    tag = client.get(URL).headers["ETag"]
    patch(client, tag, {"name": "new"})

    answer = read(client, tag)

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"4"')
    assert answer.json()["name"] == stored.now().name == "new"


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.usefixtures("stored")
def test_a_malformed_precondition_is_named(client: httpx2.Client, header: str) -> None:
    method = "PATCH" if header == "If-Match" else "GET"

    answer = client.request(method, URL, json=SAME, headers={header: "3"})

    assert answer.json()["code"] == "invalid_precondition"
    assert header in answer.json()["detail"]
