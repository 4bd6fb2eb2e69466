"""What the service promises its clients, in plain dicts: the design's words, none of the service's code.

Every method is called with the answer already in hand, for the ids in it, and
returns what that answer must have been. Moments are datetimes until they are shown.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeAlias

Item: TypeAlias = dict[str, Any]

URL_LASTS = timedelta(minutes=15)
SHORTEST_URL = timedelta(seconds=1)
GRACE = timedelta(minutes=5)
INLINE_LASTS = timedelta(minutes=1)
LINK_LASTS = timedelta(minutes=5)
LEASE_LASTS = timedelta(minutes=5)
MOST_ATTEMPTS = 3
MOST_LABELS = 32
MOST_ATTRIBUTE_BYTES = 32 * 1024
MEDIA_TYPES = {
    "dataset": {
        "text/csv",
        "text/tab-separated-values",
        "application/x-ndjson",
        "application/vnd.apache.parquet",
    }
}
LARGEST = {"dataset": 1024**3, "file": 5 * 1000**3}
SETTLED = ("ready", "rejected", "failed")
AWAITING = ("pending", "processing", "expired")


@dataclass(frozen=True, slots=True)
class Expected:
    """`code` of a problem, or else `body`; every header not named here must be absent."""

    status: int
    body: Any = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def refused(status: int, code: str, **headers: str) -> Expected:
    return Expected(status, code=code, headers=headers)


NOT_FOUND = refused(404, "not_found")
INVALID = refused(422, "invalid_input")
WRONG_STATE = refused(409, "wrong_state")
NO_PAYLOAD = refused(409, "no_payload_allowed")


def text_of(value: Any) -> str:
    """Tells 1, 1.0 and true apart."""
    return json.dumps(value, sort_keys=True)


def size_of(attributes: Any) -> int:
    return len(json.dumps(attributes, ensure_ascii=False, separators=(",", ":")).encode())


def shown(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def tag_of(item: Item) -> str:
    return f'"{item["version"]}"'


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, word by word."""
    if not isinstance(patch, dict):
        return patch
    if not isinstance(target, dict):
        target = {}
    result = dict(target)
    for name in patch:
        if patch[name] is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), patch[name])
    return result


def view(item: Item) -> Item:
    """The object as a read shows it."""
    incoming = None
    if item["status"] in AWAITING and item["newest"]:
        incoming = item["newest"] | {"expires_at": shown(item["newest"]["expires_at"])}
    public = (
        "id",
        "kind",
        "name",
        "attributes",
        "labels",
        "status",
        "version",
        "payload",
        "result",
        "problem",
    )
    return {name: item[name] for name in public} | {
        "incoming": incoming,
        "created_at": shown(item["created_at"]),
        "updated_at": shown(item["updated_at"]),
    }


def summary(item: Item) -> Item:
    """The object as a list shows it."""
    whole = view(item)
    del whole["attributes"]
    if whole["result"]:
        whole["result"] = {"summary": whole["result"]["summary"]}
    return whole


def accepts(kind: str, media_type: str, size: int) -> bool:
    allowed = MEDIA_TYPES.get(kind)
    return size <= LARGEST[kind] and (allowed is None or base(media_type) in allowed)


def base(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def checksum(body: bytes) -> str:
    return sha256(body).hexdigest()


def if_match_holds(header: str | None, item: Item) -> bool:
    """Strong comparison of whole tags, character by character (RFC 9110, section 8.8.3.2)."""
    return header is None or header == "*" or tag_of(item) in header.split(", ")


def if_none_match_holds(header: str | None, item: Item) -> bool:
    """Weak comparison: `W/` does not count."""
    if header is None:
        return True
    return header != "*" and tag_of(item) not in [tag.removeprefix("W/") for tag in header.split(", ")]


class Model:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.items: dict[str, Item] = {}
        """By id, tombstones too; the oldest first."""

    # What is there

    def known(self, *statuses: str) -> list[Item]:
        return [item for item in self.items.values() if not statuses or item["status"] in statuses]

    def living(self, owner: str, item_id: str) -> Item | None:
        item = self.items.get(item_id)
        return item if item and item["owner"] == owner and item["status"] != "deleted" else None

    # What clients do

    def create(self, owner: str, key: str | None, sent: Item, *, new_id: str, request: str) -> Expected:
        if not self._is_valid(sent):
            return INVALID
        earlier = self._by_key(owner, key)
        if earlier is not None:
            return self._replayed(earlier, sent)
        item = self._born(owner, key, sent, new_id, request)
        self.items[new_id] = item
        self._announce(item, "object.created")
        return self._created(item)

    def _is_valid(self, sent: Item) -> bool:
        payload = sent.get("payload")
        if size_of(sent.get("attributes", {})) > MOST_ATTRIBUTE_BYTES:
            return False
        if sent["kind"] == "record" or payload is None:
            return sent["kind"] == "record" and payload is None
        body = inline_body(payload)
        return accepts(sent["kind"], payload["media_type"], payload["size"] if body is None else len(body))

    def _by_key(self, owner: str, key: str | None) -> Item | None:
        same = (i for i in self.items.values() if key is not None and (i["owner"], i["key"]) == (owner, key))
        return next(same, None)

    def _replayed(self, item: Item, sent: Item) -> Expected:
        if item["status"] == "deleted":
            return refused(409, "object_deleted")
        if item["sent"] != text_of(sent):
            return refused(422, "idempotency_key_reused")
        body = inline_body(sent.get("payload"))
        if body is not None and item["status"] in AWAITING and item["newest"]["revision"] == 1:
            item["stored"].setdefault(1, body)
        return self._created(item, replayed=True)

    def _born(self, owner: str, key: str | None, sent: Item, new_id: str, request: str) -> Item:
        item: Item = {
            "id": new_id,
            "owner": owner,
            "key": key,
            "sent": text_of(sent),
            "kind": sent["kind"],
            "name": sent["name"],
            "attributes": sent.get("attributes", {}),
            "labels": sent.get("labels", {}),
            "status": "ready",
            "version": 1,
            "newest": None,
            "payload": None,
            "result": None,
            "problem": None,
            "created_at": self.now,
            "updated_at": self.now,
            "request": request,
            "attempts": 0,
            "lease_until": None,
            "deadline": None,
            "stored": {},
            "events": [],
        }
        if "payload" in sent:
            item["status"] = "pending"
            self._declare(item, sent["payload"])
        return item

    def _declare(self, item: Item, payload: Item) -> None:
        """The next revision, with its bytes when they came along."""
        body = inline_body(payload)
        number = item["newest"]["revision"] + 1 if item["newest"] else 1
        item["newest"] = {
            "revision": number,
            "media_type": payload["media_type"],
            "size": payload["size"] if body is None else len(body),
            "sha256": payload.get("sha256") if body is None else checksum(body),
            "expires_at": self.now + URL_LASTS if body is None else None,
        }
        item["deadline"] = self.now + (URL_LASTS + GRACE if body is None else INLINE_LASTS)
        if body is not None:
            item["stored"][number] = body

    def _created(self, item: Item, *, replayed: bool = False) -> Expected:
        headers = {"ETag": tag_of(item), "Location": f"/v1/objects/{item['id']}"}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return Expected(201, view(item) | {"upload": self._upload(item)}, headers=headers)

    def _upload(self, item: Item) -> Item | None:
        newest = item["newest"]
        if item["status"] != "pending" or not newest["expires_at"]:
            return None
        if newest["expires_at"] - self.now < SHORTEST_URL:
            return None
        headers = {"Content-Type": newest["media_type"], "If-None-Match": "*"}
        if newest["sha256"]:
            headers["x-amz-checksum-sha256"] = b64encode(bytes.fromhex(newest["sha256"])).decode()
        key = f"payloads/{item['owner']}/{item['id']}/{newest['revision']}"
        return {"method": "PUT", "key": key, "headers": headers, "expires_at": shown(newest["expires_at"])}

    def read(self, owner: str, item_id: str, if_none_match: str | None) -> Expected:
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        if not if_none_match_holds(if_none_match, item):
            return Expected(304, headers={"ETag": tag_of(item)})
        return self._answer(200, item)

    def _answer(self, status: int, item: Item) -> Expected:
        return Expected(status, view(item), headers={"ETag": tag_of(item)})

    def patch(
        self, owner: str, item_id: str, patch: Item, if_match: str | None, *, valid: bool, request: str
    ) -> Expected:
        if not valid:
            return INVALID
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        if not if_match_holds(if_match, item):
            return refused(412, "version_mismatch", ETag=tag_of(item))
        before = {name: item[name] for name in ("name", "attributes", "labels")}
        after = {"attributes": {}, "labels": {}} | merged(before, patch)
        if text_of(after) != text_of(before):
            if len(after["labels"]) > MOST_LABELS or size_of(after["attributes"]) > MOST_ATTRIBUTE_BYTES:
                return INVALID
            self._change(item, "object.updated", **after, request=request)
        return self._answer(200, item)

    def delete(self, owner: str, item_id: str, if_match: str | None) -> Expected:
        item = self.items.get(item_id)
        if item is None or item["owner"] != owner:
            return NOT_FOUND
        if item["status"] != "deleted":
            if not if_match_holds(if_match, item):
                return refused(412, "version_mismatch", ETag=tag_of(item))
            self._change(item, "object.deleted", status="deleted")
        return Expected(204)

    def ask_for_upload(self, owner: str, item_id: str, declared: Item, *, request: str) -> Expected:
        item = self.living(owner, item_id)
        problem = self._payload_problem(item, declared["media_type"], declared["size"])
        if item is None or problem is not None:
            return problem or NOT_FOUND
        if not self._is_awaited(item, declared):
            if item["status"] == "processing":
                return WRONG_STATE
            self._await(item, "object.upload_requested", declared, request=request)
        headers = {"ETag": tag_of(item)}
        return Expected(201, view(item) | {"upload": self._upload(item)}, headers=headers)

    def _payload_problem(self, item: Item | None, media_type: str, size: int) -> Expected | None:
        if item is None:
            return NOT_FOUND
        if item["kind"] == "record":
            return NO_PAYLOAD
        return None if accepts(item["kind"], media_type, size) else INVALID

    def _is_awaited(self, item: Item, declared: Item) -> bool:
        upload, newest = self._upload(item), item["newest"]
        same = [declared["media_type"], declared["size"], declared.get("sha256")]
        return upload is not None and same == [newest["media_type"], newest["size"], newest["sha256"]]

    def put_payload(
        self, owner: str, item_id: str, media_type: str, body: bytes, *, request: str
    ) -> Expected:
        item = self.living(owner, item_id)
        problem = self._payload_problem(item, media_type, len(body))
        if item is None or problem is not None:
            return problem or NOT_FOUND
        if self._is_newest(item, media_type, body):
            if item["status"] == "pending":
                item["stored"].setdefault(item["newest"]["revision"], body)
            return self._answer(202, item)
        if item["status"] == "processing":
            return WRONG_STATE
        sent = {"media_type": media_type, "body": body}
        self._await(item, "object.upload_requested", sent, request=request)
        return self._answer(202, item)

    def _is_newest(self, item: Item, media_type: str, body: bytes) -> bool:
        """The same bytes again: those checked, those that came inside a request, those awaited."""
        newest, payload = item["newest"], item["payload"]
        if base(newest["media_type"]) != base(media_type) or item["status"] == "expired":
            return False
        if payload is not None and payload["revision"] == newest["revision"]:
            return bool(payload["sha256"] == checksum(body))
        if newest["expires_at"] is not None and item["status"] in SETTLED:
            return False
        return bool((newest["sha256"], newest["size"]) == (checksum(body), len(body)))

    def reprocess(self, owner: str, item_id: str, *, request: str) -> Expected:
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        if item["kind"] == "record":
            return NO_PAYLOAD
        if item["status"] not in SETTLED:
            return WRONG_STATE
        # The payload is there: no upload is awaited, and none expires.
        item["newest"] = item["newest"] | {"expires_at": None}
        item["deadline"] = self.now + timedelta(minutes=5)
        self._await(item, "object.reprocess_requested", None, request=request)
        return self._answer(202, item)

    def _await(self, item: Item, event: str, payload: Item | None, *, request: str) -> None:
        if payload is not None:
            self._declare(item, payload)
        self._change(item, event, status="pending", attempts=0, problem=None, request=request)

    def download(self, owner: str, item_id: str, artifact: str | None) -> Expected:
        """A link to the last ready payload, or to what was made of it."""
        item = self.living(owner, item_id)
        if item is None or item["kind"] == "record":
            return NOT_FOUND
        names = [made["name"] for made in item["result"]["artifacts"]] if item["result"] else []
        if artifact is not None and artifact not in names:
            return NOT_FOUND
        if item["payload"] is None:
            return refused(409, "payload_not_ready")
        place = f"{owner}/{item_id}/{item['payload']['revision']}"
        key = f"payloads/{place}" if artifact is None else f"artifacts/{place}/{artifact}"
        return Expected(200, {"key": key, "expires_at": shown(self.now + LINK_LASTS)})

    def history(self, owner: str, item_id: str) -> list[Item] | None:
        item = self.living(owner, item_id)
        return None if item is None else list(item["events"])

    def listed(
        self, owner: str, *, kind: str | None, status: str | None, labels: Iterable[tuple[str, str]]
    ) -> list[Item]:
        """The newest first."""
        found = [
            item
            for item in self.items.values()
            if item["owner"] == owner
            and item["status"] != "deleted"
            and kind in (None, item["kind"])
            and status in (None, item["status"])
            and all(item["labels"].get(key) == value for key, value in labels)
        ]
        found.sort(key=lambda item: (item["created_at"], item["id"]), reverse=True)
        return [summary(item) for item in found]

    # What happens in the background

    def upload(self, item: Item, body: bytes) -> bool:
        """To a presigned URL; False when there is a payload already."""
        number = item["newest"]["revision"]
        if number in item["stored"]:
            return False
        item["stored"][number] = body
        return True

    def lose_payload(self, item: Item) -> None:
        item["stored"].pop(item["newest"]["revision"])

    def claimable(self) -> list[Item]:
        """The message about its payload arrives."""
        return [
            item
            for item in self.known(*AWAITING)
            if item["newest"]["revision"] in item["stored"]
            and item["attempts"] < MOST_ATTEMPTS
            and (item["lease_until"] is None or item["lease_until"] <= self.now)
        ]

    def claim(self, item: Item) -> None:
        lease = {"attempts": item["attempts"] + 1, "lease_until": self.now + LEASE_LASTS}
        if item["status"] == "processing":
            item.update(lease)
        else:
            self._change(item, "object.processing", status="processing", problem=None, **lease)

    def release(self, item: Item) -> None:
        item["lease_until"] = None

    def accept(self, item: Item, made: Item, artifacts: list[Item]) -> None:
        newest = item["newest"]
        body = item["stored"][newest["revision"]]
        payload = {
            "media_type": newest["media_type"],
            "size": len(body),
            "sha256": checksum(body),
            "revision": newest["revision"],
        }
        result = {"summary": made, "artifacts": artifacts}
        self._settle(item, "ready", payload=payload, result=result, problem=None)

    def fail(self, item: Item, status: str, code: str, detail: str) -> None:
        self._settle(item, status, problem={"code": code, "detail": detail})

    def exhausted(self) -> list[Item]:
        return [
            item
            for item in self.known("processing")
            if item["attempts"] >= MOST_ATTEMPTS
            and (item["lease_until"] is None or item["lease_until"] <= self.now)
        ]

    def overdue(self) -> list[Item]:
        """Awaited too long, and not there."""
        return [
            item
            for item in self.known("pending")
            if item["deadline"] <= self.now and item["newest"]["revision"] not in item["stored"]
        ]

    def _settle(self, item: Item, status: str, **changes: Any) -> None:
        self._change(item, f"object.{status}", status=status, lease_until=None, **changes)

    def forget(self, item: Item) -> None:
        """The tombstone's time is over: its key is free again."""
        del self.items[item["id"]]

    def _change(self, item: Item, event: str, **changes: Any) -> None:
        item.update(changes)
        item["version"] += 1
        item["updated_at"] = self.now
        self._announce(item, event)

    def _announce(self, item: Item, event: str) -> None:
        item["events"].append(
            {
                "specversion": "1.0",
                "id": f"{item['id']}:{item['version']}",
                "source": "wharf.objects",
                "type": event,
                "subject": item["id"],
                "time": shown(item["updated_at"]),
                "datacontenttype": "application/json",
                "owner": item["owner"],
                "correlationid": item["request"],
                "data": view(item),
            }
        )


def inline_body(payload: Item | None) -> bytes | None:
    """The bytes that came inside the request."""
    if payload is None or "size" in payload:
        return None
    if "base64" in payload:
        return b64decode(payload["base64"])
    return payload["body"] if "body" in payload else str(payload["text"]).encode()
