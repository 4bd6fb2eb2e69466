"""The client that blocks."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from wharf_client import sending
from wharf_client.flows import downloads, feed, objects, uploads
from wharf_client.flows.objects import WAIT_SECONDS
from wharf_client.flows.uploads import Progress, no_progress
from wharf_client.models import CreatedObject, Event, Object, ObjectSummary
from wharf_client.pieces import Source
from wharf_client.retries import Retries
from wharf_client.steps import Answer, Broken, Call, Fetch, Flow, Outcome, Pause, Send, Step, Work

T = TypeVar("T")


class Wharf:
    """A client of one service, for one caller. Use it as a context manager, or close it.

    Requests are repeated while that may help, as long as `retries` allows and as `Retry-After` asks.
    Credentials go to `url` only: storage gets presigned URLs without them, and no redirect is followed.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx2.Auth | None = None,
        retries: Retries | None = None,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take an API key, a bearer token, headers or an `auth` that signs, as the stack's AuthMode asks."""
        self._retries = retries or Retries()
        self._sleep = sleep
        self._api = httpx2.Client(
            base_url=sending.base_url(url),
            headers=sending.caller_headers(api_key, token, headers),
            auth=auth,
            transport=transport,
            timeout=sending.TIMEOUT,
        )
        self._storage = httpx2.Client(transport=transport, timeout=sending.TIMEOUT)

    def create(
        self,
        kind: str,
        name: str,
        *,
        attributes: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        payload: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> CreatedObject:
        """Create an object. A payload here is small, as `text` or `base64`; `upload` takes any file."""
        body = sending.declared(kind, name, attributes, labels, payload)
        return self._run(objects.create(body, idempotency_key, self._retries))

    def upload(
        self,
        payload: Path | str | bytes,
        *,
        kind: str,
        name: str,
        media_type: str,
        attributes: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        progress: Progress = no_progress,
    ) -> Object:
        """Create an object and upload its payload, a file by its path or bytes, of any size.

        After a crash, the same call with the same `idempotency_key` goes on with what is missing.
        """
        body = sending.declared(kind, name, attributes, labels)
        flow = uploads.upload(Source.of(payload), body, media_type, idempotency_key, progress, self._retries)
        return self._run(flow)

    def read(self, object_id: str) -> Object:
        """Return an object. Raises NotFound."""
        return self._run(objects.read(object_id, self._retries))

    def list(
        self,
        *,
        kind: str | None = None,
        status: str | None = None,
        labels: Mapping[str, str] | None = None,
        page_size: int = 100,
    ) -> Iterator[ObjectSummary]:
        """Yield the caller's objects, newest first."""
        query = sending.list_query(kind, status, labels, page_size)
        while True:
            page = self._run(objects.page(query, self._retries))
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def update(self, object_id: str, changes: Mapping[str, Any], *, version: int | None = None) -> Object:
        """Apply a merge patch; with `version`, only to that version, or raise Conflict."""
        return self._run(objects.update(object_id, changes, version, self._retries))

    def delete(self, object_id: str, *, version: int | None = None) -> None:
        """Delete an object with its payloads."""
        self._run(objects.delete(object_id, version, self._retries))

    def reprocess(self, object_id: str) -> Object:
        """Run the pipeline again on the newest payload."""
        return self._run(objects.reprocess(object_id, self._retries))

    def wait(self, object_id: str, *, timeout: float | None = None) -> Object:
        """Return the object once it is ready. Raises ObjectNotReady if it ends otherwise, or TimedOut."""
        return self._run(objects.wait(object_id, timeout, self._retries))

    def download(
        self,
        object_id: str,
        to: Path | str,
        *,
        artifact: str | None = None,
        progress: Progress = no_progress,
    ) -> Path:
        """Write the newest ready payload, or an artifact, to a file, and check its SHA-256."""
        return self._run(downloads.download(object_id, Path(to), artifact, progress, self._retries))

    def events(
        self,
        *,
        after: str | None = None,
        types: Iterable[str] = (),
        kind: str | None = None,
        follow: bool = True,
    ) -> "Feed":
        """Return the feed of the caller's events; with `follow` it never ends."""
        return Feed(self, after, tuple(types), kind, follow)

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON of any other operation, with the same retries and errors."""
        return self._run(
            objects.request(method, path, self._retries, query=query, headers=headers, body=body)
        )

    def close(self) -> None:
        self._api.close()
        self._storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        """Carry out the steps of a flow, and return its result."""
        result: Any = None
        with closing(flow):
            while True:
                try:
                    step = flow.send(result)
                except StopIteration as done:
                    found: T = done.value
                    return found
                result = self._do(step)

    def _do(self, step: Step) -> Any:
        match step:
            case Pause(seconds):
                return self._sleep(seconds)
            case Work(function):
                return function()
            case Call() | Send() | Fetch():
                try:
                    return self._send(step)
                except httpx2.TransportError as fault:
                    return Broken(sending.reason(fault))

    def _send(self, step: Call | Send | Fetch) -> Outcome:
        match step:
            case Call():
                return sending.answer(self._api.request(**sending.call_arguments(step)))
            case Send():
                arguments = sending.send_arguments(step)
                return sending.answer(self._storage.request(**arguments, content=step.piece.chunks()))
            case Fetch():
                headers = sending.range_from(step.offset)
                with self._storage.stream("GET", step.url, headers=headers) as response:
                    if response.status_code >= 300:
                        response.read()
                        return sending.answer(response)
                    sending.seek(step, response)
                    for chunk in response.iter_raw():
                        step.into.write(chunk)
                        step.report(step.into.tell())
                    return Answer(response.status_code, {}, b"")


class Feed:
    """The caller's events, each at least once, and those of one object in the order of its versions.

    Handle an event, then keep `after`: a reader that begins there again misses none.
    """

    def __init__(
        self, client: Wharf, after: str | None, types: tuple[str, ...], kind: str | None, follow: bool
    ) -> None:
        #: The position to go on from. It moves once all events of a page were handled.
        self.after = after
        self._client = client
        self._types, self._kind, self._follow = types, kind, follow

    def __iter__(self) -> Iterator[Event]:
        while True:
            wait_seconds = WAIT_SECONDS if self._follow else 0
            page = self._client._run(
                feed.next_page(self.after, self._types, self._kind, wait_seconds, self._client._retries)
            )
            yield from page["items"]
            self.after = page["next_after"]
            if not self._follow and not page["has_more"]:
                return
