"""The service and its storage in memory, as far as a client sees them; faults happen as they are told."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

API = "http://wharf.test"
STORAGE = "http://storage.test"
MIB = 1024 * 1024
PART_SIZE = 8 * MIB

Fault = httpx2.Response | httpx2.TransportError
Json = dict[str, Any]


def problem(status: int, code: str, **headers: str) -> httpx2.Response:
    described = {"code": code, "detail": f"It is {code}.", "status": status, "request_id": "r-1"}
    return httpx2.Response(
        status, json=described, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


@dataclass
class Service:
    """One object, whose upload is whole or in parts as the create asks."""

    requests: list[httpx2.Request] = field(default_factory=list)
    #: Faults in place of the next answers, by the method of a request and a part of its path.
    faults: dict[tuple[str, str], list[Fault]] = field(default_factory=dict)
    stored: Json = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    parts: dict[int, bytes] = field(default_factory=dict)
    payload: bytes | None = None
    #: The number in signed URLs. Those with an older number have ended.
    signature: int = 0
    #: The answers to the next reads, one after another; later reads answer `stored`.
    reads: list[httpx2.Response] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        for (method, path), faults in self.faults.items():
            if request.method == method and path in request.url.path and faults:
                fault = faults.pop(0)
                if isinstance(fault, httpx2.Response):
                    return fault
                raise fault
        if str(request.url).startswith(STORAGE):
            return self.store(request) if request.method == "PUT" else self.fetch(request)
        return self.answer(request)

    def asked(self, method: str, path: str) -> list[httpx2.Request]:
        return [one for one in self.requests if one.method == method and path in one.url.path]

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content) if request.content else {}
        match request.method, request.url.path.removeprefix("/v1/objects").removeprefix("/o-1"):
            case "POST", "":
                return self.create(request, body)
            case "POST", "/uploads":
                return self.await_payload(body, revision=2)
            case "POST", "/upload/complete":
                return self.complete()
            case "GET", "" if self.reads:
                return self.reads.pop(0)
            case method, path:
                return httpx2.Response(200, json=self.described(method, path, body))

    def described(self, method: str, path: str, body: Json) -> Json:
        match method, path:
            case "GET", "":
                return self.stored
            case "GET", "/upload":
                return self.upload()
            case "POST", "/upload/parts":
                return {"parts": [self.part(number) for number in body["numbers"]]}
            case "GET", "/payload" | "/artifacts/profile.json":
                return self.target("payload")
        raise AssertionError(f"{method} {path} is unknown")

    def create(self, request: httpx2.Request, body: Json) -> httpx2.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        if self.stored:
            upload = self.upload() if self.stored["status"] == "pending" else None
            return httpx2.Response(201, json={**self.stored, "upload": upload})
        self.stored = {"id": "o-1", "kind": body["kind"], "name": body["name"], "problem": None}
        return self.await_payload(body["payload"], revision=1)

    def await_payload(self, declared: Json, revision: int) -> httpx2.Response:
        self.stored |= {"status": "pending", "version": revision, "payload": None, "result": None}
        self.stored["incoming"] = declared
        return httpx2.Response(201, json={**self.stored, "upload": self.upload()})

    def upload(self) -> Json:
        declared = self.stored["incoming"]
        if not declared.get("multipart"):
            return {
                "method": "PUT",
                **self.target("whole"),
                "headers": {"content-type": declared["media_type"]},
            }
        count = -(-declared["size"] // PART_SIZE)
        uploaded = [{"number": number, "size": len(part)} for number, part in sorted(self.parts.items())]
        missing = [number for number in range(1, count + 1) if number not in self.parts]
        return {"part_size": PART_SIZE, "part_count": count, "uploaded": uploaded, "missing": missing}

    def part(self, number: int) -> Json:
        return {"number": number, "method": "PUT", **self.target(f"parts/{number}"), "headers": {}}

    def target(self, path: str) -> Json:
        return {"url": f"{STORAGE}/{path}?signature={self.signature}"}

    def complete(self) -> httpx2.Response:
        if self.upload()["missing"]:
            return problem(409, "parts_missing")
        self.payload = b"".join(part for _, part in sorted(self.parts.items()))
        return httpx2.Response(202, json=self.stored)

    def store(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.params["signature"] != str(self.signature):
            return httpx2.Response(403, content=b"<Code>AccessDenied</Code>")
        assert request.headers["content-length"] == str(len(request.content))
        *_, name = request.url.path.split("/")
        if name == "whole":
            if self.payload is not None:
                return httpx2.Response(412)
            self.payload = request.content
        else:
            self.parts[int(name)] = request.content
        return httpx2.Response(200)

    def fetch(self, request: httpx2.Request) -> httpx2.Response:
        assert self.payload is not None
        begin = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        return httpx2.Response(206 if begin else 200, stream=Stream(self.payload[begin:]))

    def be_ready(self, payload: bytes) -> None:
        self.payload = payload
        held = {"media_type": "text/csv", "size": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}
        artifact = {**held, "name": "profile.json"}
        self.stored |= {"id": "o-1", "status": "ready", "version": 3, "problem": None, "payload": held}
        self.stored |= {"result": {"summary": {}, "artifacts": [artifact]}}


@dataclass
class Stream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """Bytes as they come from a connection, which may break after them."""

    content: bytes
    breaks: bool = False

    def __iter__(self) -> Iterator[bytes]:
        yield self.content
        if self.breaks:
            raise httpx2.ReadError("reset by peer")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def breaking_after(content: bytes, status: int = 200) -> httpx2.Response:
    return httpx2.Response(status, stream=Stream(content, breaks=True))
