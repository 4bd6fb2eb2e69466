"""The Python clients pass clients/scenarios.json against the running service."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.clients.blocking import blocking
from tests.system.client import eventually
from tests.system.conftest import ROOT, Runtime
from wharf_client import AsyncWharf, ObjectNotReady, Refused, Wharf
from wharf_client.retries import Retries

SCENARIOS = json.loads((ROOT / "clients" / "scenarios.json").read_text())["scenarios"]
QUICK = Retries(first_seconds=0.05)
READY_SECONDS = 60


class Stopped(Exception):
    """The upload is interrupted."""


@dataclass
class Storage:
    """Counts the PUTs that arrive, and breaks some before they do."""

    breaks: int = 0
    puts: int = 0

    def meet(self, request: httpx2.Request) -> None:
        if request.method == "PUT":
            if self.breaks:
                self.breaks -= 1
                raise httpx2.WriteError("reset by peer")
            self.puts += 1


class Breaking(httpx2.HTTPTransport):
    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self.storage = storage

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.storage.meet(request)
        return super().handle_request(request)


class AsyncBreaking(httpx2.AsyncHTTPTransport):
    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self.storage = storage

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.storage.meet(request)
        return await super().handle_async_request(request)


@contextmanager
def client_of(which: str, runtime: Runtime, storage: Storage) -> Iterator[Any]:
    headers = {"X-Owner": f"scenarios-{which}-{uuid4().hex[:8]}"}
    if which == "blocking":
        transport = Breaking(storage)
        with Wharf(runtime.url, headers=headers, retries=QUICK, transport=transport) as client:
            yield client
    else:
        given = AsyncWharf(runtime.url, headers=headers, retries=QUICK, transport=AsyncBreaking(storage))
        with blocking(given) as client:
            yield client


@dataclass
class Play:
    """Acts on one object, step by step."""

    client: Any
    storage: Storage
    folder: Path
    id: str = ""
    payload: bytes = b""

    def step(self, step: Mapping[str, Any]) -> None:
        self.storage.breaks, self.storage.puts = step.get("breaks", 0), 0
        before = self.id
        answer, code = self.outcome(step)

        assert code == step.get("fails")
        assert part_of(answer, step.get("expect")) == step.get("expect"), answer
        assert self.storage.puts <= step.get("puts_at_most", self.storage.puts)
        assert not step.get("same") or self.id == before

    def outcome(self, step: Mapping[str, Any]) -> tuple[Any, str | None]:
        """Return the answer, or the code of what went wrong."""
        try:
            return getattr(self, step["do"])(step), None
        except Refused as refused:
            return None, refused.code
        except ObjectNotReady as ended:
            return None, ended.object["problem"] and ended.object["problem"]["code"]

    def create(self, step: Mapping[str, Any]) -> Any:
        created = self.client.create(**step["body"], idempotency_key=step.get("key"))
        self.id = created["id"]
        return created

    def upload(self, step: Mapping[str, Any]) -> Any:
        pattern = step["repeat"].encode()
        self.payload = (pattern * (step["bytes"] // len(pattern) + 1))[: step["bytes"]]
        given = {name: step[name] for name in ("kind", "name", "media_type")}

        def progress(done: int, _total: int) -> None:
            if done > step.get("stops_above", done):
                raise Stopped

        try:
            key = step.get("key")
            stored = self.client.upload(self.payload, **given, idempotency_key=key, progress=progress)
        except Stopped:
            return None
        self.id = stored["id"]
        return stored

    def read(self, _step: Mapping[str, Any]) -> Any:
        return self.client.read(self.id)

    def update(self, step: Mapping[str, Any]) -> Any:
        return self.client.update(self.id, step["changes"], version=step["version"])

    def delete(self, _step: Mapping[str, Any]) -> None:
        self.client.delete(self.id)

    def list(self, step: Mapping[str, Any]) -> None:
        assert eventually(lambda: self.id in [one["id"] for one in self.client.list(kind=step["kind"])])

    def wait(self, _step: Mapping[str, Any]) -> Any:
        return self.client.wait(self.id, timeout=READY_SECONDS)

    def download(self, step: Mapping[str, Any]) -> Any:
        artifact = step.get("artifact")
        found = Path(self.client.download(self.id, self.folder / "got", artifact=artifact)).read_bytes()
        if artifact is None:
            assert found == self.payload
            return None
        return json.loads(found)

    def events(self, step: Mapping[str, Any]) -> Any:
        def types() -> list[str]:
            events = self.client.events(follow=False)
            return [event["type"] for event in events if event["subject"] == self.id]

        assert eventually(lambda: types() == step["expect"]), types()
        return step["expect"]


def part_of(answer: Any, expected: Any) -> Any:
    """Return of an answer what is expected in it, at every depth."""
    if isinstance(answer, dict) and isinstance(expected, dict) and expected:
        return {name: part_of(answer.get(name), one) for name, one in expected.items()}
    return answer if expected is not None else None


@pytest.mark.parametrize("which", ["blocking", "asynchronous"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["name"].replace(" ", "-"))
def test_scenario(running: Runtime, tmp_path: Path, scenario: Mapping[str, Any], which: str) -> None:
    storage = Storage()
    with client_of(which, running, storage) as client:
        play = Play(client, storage, tmp_path)
        for step in scenario["steps"]:
            play.step(step)
