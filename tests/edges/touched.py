"""What an exchange did behind the door, and what a client saw of it."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2

from tests.conftest import Aws
from tests.faults import Call, calls_of

OWNED = re.compile(
    r"(?:payloads/|artifacts/)?((?:iam|cognito|key|local)-[A-Za-z0-9_-]+)(?:[#/].*)?", re.DOTALL
)
FREE = {"name", "labels", "attributes"}
"""What a client may fill in as it likes."""
SIGNATURE = re.compile(r"\?[^\"\s]*X-Amz-Signature=[0-9a-f]+")


class Touched:
    """The calls to AWS from now on."""

    def __init__(self, aws: Aws) -> None:
        self._made = [calls_of(client) for client in (aws.dynamodb, aws.s3)]

    def operations(self) -> list[str]:
        return [call.operation for made in self._made for call in made]

    def owners(self) -> list[set[str]]:
        """Of each call, whose keys it names: of items, in indexes, and of payloads."""
        return [owners_in(call) for made in self._made for call in made]

    def forget(self) -> None:
        for made in self._made:
            made.clear()


def owners_in(call: Call) -> set[str]:
    return {found[1] for text in _texts(call.parameters) if (found := OWNED.fullmatch(text))}


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name in value.keys() - FREE:
                yield from _texts(value[name])
        case list() | tuple():
            for inner in value:
                yield from _texts(inner)


def seen(answer: httpx2.Response) -> tuple[int, dict[str, str], str]:
    """Status, headers and body, but for what no two answers share: the request's id, a URL's signature."""
    headers = {name: SIGNATURE.sub("", value) for name, value in answer.headers.items()}
    request_id = headers.pop("request-id")
    return answer.status_code, headers, SIGNATURE.sub("", answer.text).replace(request_id, "")
