"""The client that does not block."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
import httpx2
from anyio import to_thread

from wharf_client import sending
from wharf_client.flows import downloads, feed, objects, uploads
from wharf_client.flows.objects import WAIT_SECONDS
from wharf_client.flows.uploads import Progress, no_progress
from wharf_client.models import CreatedObject, Event, Object, ObjectSummary
from wharf_client.pieces import Piece, Source
from wharf_client.retries import Retries
from wharf_client.steps import Answer, Broken, Call, Fetch, Flow, Outcome, Pause, Send, Step, Work

T = TypeVar("T")


class AsyncWharf:
    """`Wharf` with the same methods, to be awaited."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        auth: httpx2.Auth | None = None,
        retries: Retries | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Take an API key, a bearer token, headers or an `auth` that signs, as the stack's AuthMode asks."""
        self._retries = retries or Retries()
        self._sleep = sleep
        self._api = httpx2.AsyncClient(
            base_url=sending.base_url(url),
            headers=sending.caller_headers(api_key, token, headers),
            auth=auth,
            transport=transport,
            timeout=sending.TIMEOUT,
        )
        self._storage = httpx2.AsyncClient(transport=transport, timeout=sending.TIMEOUT)

    async def create(
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
        return await self._run(objects.create(body, idempotency_key, self._retries))

    async def upload(
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
        return await self._run(flow)

    async def read(self, object_id: str) -> Object:
        """Return an object. Raises NotFound."""
        return await self._run(objects.read(object_id, self._retries))

    async def list(
        self,
        *,
        kind: str | None = None,
        status: str | None = None,
        labels: Mapping[str, str] | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[ObjectSummary]:
        """Yield the caller's objects, newest first."""
        query = sending.list_query(kind, status, labels, page_size)
        while True:
            page = await self._run(objects.page(query, self._retries))
            for item in page["items"]:
                yield item
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    async def update(
        self, object_id: str, changes: Mapping[str, Any], *, version: int | None = None
    ) -> Object:
        """Apply a merge patch; with `version`, only to that version, or raise Conflict."""
        return await self._run(objects.update(object_id, changes, version, self._retries))

    async def delete(self, object_id: str, *, version: int | None = None) -> None:
        """Delete an object with its payloads."""
        await self._run(objects.delete(object_id, version, self._retries))

    async def reprocess(self, object_id: str) -> Object:
        """Run the pipeline again on the newest payload."""
        return await self._run(objects.reprocess(object_id, self._retries))

    async def wait(self, object_id: str, *, timeout: float | None = None) -> Object:
        """Return the object once it is ready. Raises ObjectNotReady if it ends otherwise, or TimedOut."""
        return await self._run(objects.wait(object_id, timeout, self._retries))

    async def download(
        self,
        object_id: str,
        to: Path | str,
        *,
        artifact: str | None = None,
        progress: Progress = no_progress,
    ) -> Path:
        """Write the newest ready payload, or an artifact, to a file, and check its SHA-256."""
        return await self._run(downloads.download(object_id, Path(to), artifact, progress, self._retries))

    def events(
        self,
        *,
        after: str | None = None,
        types: Iterable[str] = (),
        kind: str | None = None,
        follow: bool = True,
    ) -> "AsyncFeed":
        """Return the feed of the caller's events; with `follow` it never ends."""
        return AsyncFeed(self, after, tuple(types), kind, follow)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the JSON of any other operation, with the same retries and errors."""
        return await self._run(
            objects.request(method, path, self._retries, query=query, headers=headers, body=body)
        )

    async def close(self) -> None:
        await self._api.aclose()
        await self._storage.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _run(self, flow: Flow[T]) -> T:
        """Carry out the steps of a flow, and return its result."""
        result: Any = None
        with closing(flow):
            while True:
                try:
                    step = flow.send(result)
                except StopIteration as done:
                    found: T = done.value
                    return found
                result = await self._do(step)

    async def _do(self, step: Step) -> Any:
        match step:
            case Pause(seconds):
                return await self._sleep(seconds)
            case Work(function):
                return await to_thread.run_sync(function)
            case Call() | Send() | Fetch():
                try:
                    return await self._send(step)
                except httpx2.TransportError as fault:
                    return Broken(sending.reason(fault))

    async def _send(self, step: Call | Send | Fetch) -> Outcome:
        match step:
            case Call():
                return sending.answer(await self._api.request(**sending.call_arguments(step)))
            case Send():
                arguments = sending.send_arguments(step)
                return sending.answer(await self._storage.request(**arguments, content=_chunks(step.piece)))
            case Fetch():
                headers = sending.range_from(step.offset)
                async with self._storage.stream("GET", step.url, headers=headers) as response:
                    if response.status_code >= 300:
                        await response.aread()
                        return sending.answer(response)
                    sending.seek(step, response)
                    async for chunk in response.aiter_raw():
                        await to_thread.run_sync(step.into.write, chunk)
                        step.report(step.into.tell())
                    return Answer(response.status_code, {}, b"")


async def _chunks(piece: Piece) -> AsyncIterator[bytes]:
    """Yield the bytes of a piece, which are read apart from the event loop."""
    chunks = piece.chunks()
    with closing(chunks):
        while (chunk := await to_thread.run_sync(next, chunks, None)) is not None:
            yield chunk


class AsyncFeed:
    """`Feed`, to be read with `async for`."""

    def __init__(
        self, client: AsyncWharf, after: str | None, types: tuple[str, ...], kind: str | None, follow: bool
    ) -> None:
        #: The position to go on from. It moves once all events of a page were handled.
        self.after = after
        self._client = client
        self._types, self._kind, self._follow = types, kind, follow

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            wait_seconds = WAIT_SECONDS if self._follow else 0
            page = await self._client._run(
                feed.next_page(self.after, self._types, self._kind, wait_seconds, self._client._retries)
            )
            for event in page["items"]:
                yield event
            self.after = page["next_after"]
            if not self._follow and not page["has_more"]:
                return
