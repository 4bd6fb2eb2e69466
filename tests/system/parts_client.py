"""A client that uploads in parts, as a user would write it. It knows the object's id, and nothing else.

python -m tests.system.parts_client <url> <headers as JSON> <object id> says each part that it has sent.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from tests.system.client import Client, send

MIB = 1024 * 1024


def part_of(start: int, length: int) -> bytes:
    """Return these bytes of the file. Each MiB of it begins with its own hash; `start` is a whole MiB."""
    blocks = range(start // MIB, -(-(start + length) // MIB))
    return b"".join(sha256(str(block).encode()).digest() * (MIB // 32) for block in blocks)[:length]


def put(url: str, body: bytes) -> int:
    """Send a part, and return S3's status. urllib would add a Content-Type, which is not signed."""
    where = urlsplit(url)
    connection = HTTPConnection(where.netloc, timeout=60)
    try:
        connection.request("PUT", f"{where.path}?{where.query}", body)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Uploader:
    url: str
    headers: Mapping[str, str]
    object_id: str

    @property
    def path(self) -> str:
        return f"/v1/objects/{self.object_id}/upload"

    @property
    def api(self) -> Client:
        return Client(self.url, self.headers)

    def state(self) -> Any:
        answer = self.api.get(self.path)
        assert answer.status == 200, answer.body
        return answer.json()

    def size(self) -> int:
        found: int = self.api.get(f"/v1/objects/{self.object_id}").json()["incoming"]["size"]
        return found

    def url_of(self, number: int) -> str:
        answer = self.api.post(f"{self.path}/parts", json.dumps({"numbers": [number]}).encode())
        assert answer.status == 200, answer.body
        url: str = answer.json()["parts"][0]["url"]
        return url

    def send_part(self, number: int) -> None:
        part_size = self.state()["part_size"]
        start = (number - 1) * part_size
        body = part_of(start, min(part_size, self.size() - start))
        assert put(self.url_of(number), body) == 200

    def send_missing(self) -> Iterator[int]:
        for number in self.state()["missing"]:
            self.send_part(number)
            yield number

    def complete(self) -> None:
        answer = self.api.post(f"{self.path}/complete", b"")
        assert answer.status == 202, answer.body

    def give_up(self) -> int:
        return send("DELETE", self.url + self.path, headers=self.headers).status


if __name__ == "__main__":
    [_, where, given, named] = sys.argv
    for done in Uploader(where, json.loads(given), named).send_missing():
        print(done, flush=True)
