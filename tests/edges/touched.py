"""The calls of an exchange behind the door, and the answer as a client saw it."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2

from tests.conftest import Aws
from tests.faults import Call, calls_of

OWNED = re.compile(
    r"(?:payloads/|artifacts/)?((?:iam|cognito|key|local)-[A-Za-z0-9_-]+)(?:[#/].*)?", re.DOTALL
)
#: Fields that a client may fill in as it likes.
FREE = {"name", "labels", "attributes"}
#: A new secret, the id of a test delivery, and the token of a link.
OF_CHANCE = re.compile(r"whsec_[A-Za-z0-9+/=]+|(?<=\"delivery_id\":\")[^\"]+|(?<=/l/)[A-Za-z0-9_-]{22}")
SIGNATURE = re.compile(r"\?[^\"\s]*X-Amz-Signature=[0-9a-f]+")


class Touched:
    """The calls to AWS from now on."""

    def __init__(self, aws: Aws) -> None:
        self._made = [calls_of(client) for client in (aws.dynamodb, aws.s3)]

    def operations(self) -> list[str]:
        return [call.operation for made in self._made for call in made]

    def owners(self) -> list[set[str]]:
        """Return whose keys each call names: those of items, in indexes, and of payloads."""
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
    """Return status, headers and body without request id, signatures and secrets, which always differ."""
    headers = {name: SIGNATURE.sub("", value) for name, value in answer.headers.items()}
    request_id = headers.pop("request-id")
    text = OF_CHANCE.sub("", SIGNATURE.sub("", answer.text))
    return answer.status_code, headers, text.replace(request_id, "")
