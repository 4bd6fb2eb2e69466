"""The service's promises to its clients, in plain dicts: the design's words, none of the service's code.

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
OPENED_LASTS = timedelta(seconds=60)
MOST_LINKS = 100
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
#: A kind that takes a type takes it by its other names, too.
OTHER_NAMES = {"application/csv": "text/csv", "": "application/octet-stream"}
#: Types under which the content decides.
OPEN_TYPES = ("application/octet-stream", "application/vnd.ms-excel", "application/gzip")
#: The largest payload in one PUT; a larger one always comes in parts.
LARGEST_PUT = 5 * 1000**3
#: The largest body through the API.
LARGEST_BODY = 4 * 1024**2
#: A `file` may be as large as the lease can hash.
LARGEST = {"dataset": 1024**3, "file": int(0.75 * 300 * 30_000_000)}
MIB = 1024**2
PARTS_LAST = timedelta(hours=24)
COMPLETION_LASTS = timedelta(minutes=1)
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
    """Merge a patch as RFC 7396, section 2, says word by word."""
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
    incoming = declared = None
    if item["newest"]:
        declared = {name: value for name, value in item["newest"].items() if name != "expires_at"}
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
        "declared": declared,
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
    return size <= LARGEST[kind] and (allowed is None or meant(media_type) in (*allowed, *OPEN_TYPES))


def meant(media_type: str) -> str:
    base = media_type.partition(";")[0].strip().lower()
    return OTHER_NAMES.get(base, base)


def comes_in_parts(payload: Item) -> bool:
    return bool(payload.get("multipart", False) or payload.get("size", 0) > LARGEST_PUT)


def part_size(size: int) -> int:
    """The smallest whole MiB, from 8 on, so that 10,000 parts hold the payload."""
    return max(8 * MIB, -(-size // (10_000 * MIB)) * MIB)


def declared(payload: Item) -> str:
    """The type as it was sent; a client need not send one."""
    return payload.get("media_type") or "application/octet-stream"


def checksum(body: bytes) -> str:
    return sha256(body).hexdigest()


def if_match_holds(header: str | None, item: Item) -> bool:
    """Compare whole tags strongly, character by character (RFC 9110, section 8.8.3.2)."""
    return header is None or header == "*" or tag_of(item) in header.split(", ")


def if_none_match_holds(header: str | None, item: Item) -> bool:
    """Compare tags weakly: `W/` does not count."""
    if header is None:
        return True
    return header != "*" and tag_of(item) not in [tag.removeprefix("W/") for tag in header.split(", ")]


class Model:
    def __init__(self, now: datetime) -> None:
        self.now = now
        #: All objects by id, tombstones too; the oldest first.
        self.items: dict[str, Item] = {}
        #: All links by token, dead ones too; the oldest first.
        self.links: dict[str, Item] = {}

    # Looking up

    def known(self, *statuses: str) -> list[Item]:
        return [item for item in self.items.values() if not statuses or item["status"] in statuses]

    def living(self, owner: str, item_id: str) -> Item | None:
        item = self.items.get(item_id)
        return item if item and item["owner"] == owner and item["status"] != "deleted" else None

    # Requests of clients

    def create(self, owner: str, key: str | None, sent: Item, *, new_id: str, request: str) -> Expected:
        if not self._is_valid(sent):
            return INVALID
        earlier = self._by_key(owner, key)
        if earlier is not None:
            return self._replayed(earlier, sent)
        item = self._born(owner, key, sent, new_id, request)
        self.items[new_id] = item
        self._announce(item, "object.created", request)
        return self._created(item)

    def _is_valid(self, sent: Item) -> bool:
        payload = sent.get("payload")
        if size_of(sent.get("attributes", {})) > MOST_ATTRIBUTE_BYTES:
            return False
        if sent["kind"] == "record" or payload is None:
            return sent["kind"] == "record" and payload is None
        body = inline_body(payload)
        return accepts(sent["kind"], declared(payload), payload["size"] if body is None else len(body))

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
            "parts": None,
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
        in_parts = comes_in_parts(payload)
        lasts = PARTS_LAST if in_parts else URL_LASTS
        item["parts"] = {"sent": {}, "is_known": False, "is_completing": False} if in_parts else None
        item["newest"] = {
            "revision": number,
            "media_type": declared(payload),
            "size": payload["size"] if body is None else len(body),
            "sha256": payload.get("sha256") if body is None else checksum(body),
            "expires_at": self.now + lasts if body is None else None,
        }
        item["deadline"] = self.now + (lasts + GRACE if body is None else INLINE_LASTS)
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
        if item["parts"] is not None:
            return self._plan(item)
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
            self._change(item, "object.updated", edited_by=request, **after)
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

    def ask_for_upload(self, owner: str, item_id: str, sent: Item, *, request: str) -> Expected:
        item = self.living(owner, item_id)
        problem = self._payload_problem(item, declared(sent), sent["size"])
        if item is None or problem is not None:
            return problem or NOT_FOUND
        if not self._is_awaited(item, sent):
            if item["status"] == "processing":
                return WRONG_STATE
            self._await(item, "object.upload_requested", sent, request=request)
        headers = {"ETag": tag_of(item)}
        return Expected(201, view(item) | {"upload": self._upload(item)}, headers=headers)

    def _payload_problem(self, item: Item | None, media_type: str, size: int) -> Expected | None:
        if item is None:
            return NOT_FOUND
        if item["kind"] == "record":
            return NO_PAYLOAD
        return None if accepts(item["kind"], media_type, size) else INVALID

    def _is_awaited(self, item: Item, sent: Item) -> bool:
        newest = item["newest"]
        if item["status"] != "pending" or not newest["expires_at"]:
            return False
        same = [declared(sent), sent["size"], sent.get("sha256"), comes_in_parts(sent)]
        awaited = [newest["media_type"], newest["size"], newest["sha256"], item["parts"] is not None]
        return newest["expires_at"] - self.now >= SHORTEST_URL and same == awaited

    def put_payload(
        self, owner: str, item_id: str, media_type: str, body: bytes, *, request: str
    ) -> Expected:
        if len(body) > LARGEST_BODY:
            return refused(413, "body_too_large")
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
        """The same bytes again: those checked, those that came inside a request, those awaited whole."""
        newest, payload = item["newest"], item["payload"]
        if self.awaits_parts(item):
            return False
        if meant(newest["media_type"]) != meant(media_type) or item["status"] == "expired":
            return False
        if payload is not None and payload["revision"] == newest["revision"]:
            return bool(payload["sha256"] == checksum(body))
        if newest["expires_at"] is not None and item["status"] in SETTLED:
            return False
        return bool((newest["sha256"], newest["size"]) == (checksum(body), len(body)))

    def awaits_parts(self, item: Item) -> bool:
        return bool(item["status"] == "pending" and item["parts"] and item["newest"]["expires_at"])

    def _plan(self, item: Item) -> Item:
        newest = item["newest"]
        return {
            "part_size": part_size(newest["size"]),
            "part_count": self.part_count(item),
            "expires_at": shown(newest["expires_at"]),
        }

    def part_count(self, item: Item) -> int:
        """An empty payload is one empty part."""
        size: int = item["newest"]["size"]
        return max(1, -(-size // part_size(size)))

    def part_length(self, item: Item, number: int) -> int:
        size: int = item["newest"]["size"]
        return min(part_size(size), size - (number - 1) * part_size(size))

    def _missing(self, item: Item) -> list[int]:
        """A part of another length is missing. None is missing once they were put together."""
        if item["newest"]["revision"] in item["stored"]:
            return []
        lengths = {number: len(body) for number, body in item["parts"]["sent"].items()}
        numbers = range(1, self.part_count(item) + 1)
        return [number for number in numbers if lengths.get(number) != self.part_length(item, number)]

    def read_upload(self, owner: str, item_id: str) -> Expected:
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        if not self.awaits_parts(item):
            upload = self._upload(item)
            return WRONG_STATE if upload is None else Expected(200, upload)
        missing = self._missing(item)
        uploaded = [
            {"number": number, "size": self.part_length(item, number)}
            for number in range(1, self.part_count(item) + 1)
            if number not in missing
        ]
        return Expected(200, self._plan(item) | {"uploaded": uploaded, "missing": missing})

    def sign_parts(self, owner: str, item_id: str, numbers: list[int]) -> Expected:
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        if not self.awaits_parts(item):
            return WRONG_STATE
        if max(numbers) > self.part_count(item):
            return INVALID
        ends = min(item["newest"]["expires_at"], self.now + URL_LASTS)
        if ends - self.now < SHORTEST_URL or item["parts"]["is_completing"]:
            return WRONG_STATE
        item["parts"]["is_known"] = True
        key = f"payloads/{owner}/{item_id}/{item['newest']['revision']}"
        parts = [
            {"number": number, "method": "PUT", "key": key, "headers": {}}
            for number in dict.fromkeys(numbers)
        ]
        return Expected(200, {"parts": parts, "expires_at": shown(ends)})

    def complete(self, owner: str, item_id: str) -> Expected:
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        is_queued = item["status"] == "pending" and item["newest"]["expires_at"] is None
        if item["parts"] and (is_queued or item["status"] in ("processing", *SETTLED)):
            return self._answer(202, item)
        if not self.awaits_parts(item):
            return WRONG_STATE
        if not item["parts"]["is_completing"]:
            if self._missing(item):
                return refused(409, "parts_missing")
            item["parts"]["is_completing"] = True
            item["deadline"] = self.now + COMPLETION_LASTS
        return self._answer(202, item)

    def cancel(self, owner: str, item_id: str, *, detail: str, request: str) -> Expected:
        """Cancel an upload; `detail` is the service's own text."""
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        if item["status"] == "expired" and item["parts"]:
            return Expected(204)
        if not self.awaits_parts(item) or item["newest"]["revision"] in item["stored"]:
            return WRONG_STATE
        problem = {"code": "upload_cancelled", "detail": detail}
        self._change(item, "object.expired", status="expired", problem=problem, request=request)
        return Expected(204)

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

    def share(
        self, owner: str, item_id: str, key: str | None, sent: Item, *, new_id: str, token: str
    ) -> Expected:
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        earlier = self._link_by_key(item, key)
        if earlier is not None:
            return self._shared_again(earlier, sent)
        problem = self._sharing_problem(item, sent)
        if problem is not None:
            return problem
        link = {
            "id": new_id,
            "item": item,
            "key": key,
            "sent": text_of(sent),
            "artifact": sent.get("artifact"),
            "created_at": self.now,
            "expires_at": self.now + timedelta(seconds=sent["expires_in"]),
            "is_revoked": False,
        }
        self.links[token] = link
        return Expected(201, self._link_view(link) | {"token": token})

    def _link_by_key(self, item: Item, key: str | None) -> Item | None:
        """A key is known as long as its link lasts, also a revoked one."""
        same = (one for one in self.links.values() if one["item"] is item and one["key"] == key)
        return next((one for one in same if key is not None and self.now < one["expires_at"]), None)

    def _shared_again(self, link: Item, sent: Item) -> Expected:
        if link["is_revoked"]:
            return refused(409, "object_deleted")
        if link["sent"] != text_of(sent):
            return refused(422, "idempotency_key_reused")
        [token] = [token for token, one in self.links.items() if one is link]
        body = self._link_view(link) | {"token": token}
        return Expected(201, body, headers={"Idempotency-Replayed": "true"})

    def _sharing_problem(self, item: Item, sent: Item) -> Expected | None:
        if item["kind"] == "record":
            return NO_PAYLOAD
        if item["payload"] is None:
            return refused(409, "payload_not_ready")
        names = [made["name"] for made in item["result"]["artifacts"]]
        if sent.get("artifact") not in (None, *names):
            return INVALID
        return refused(409, "too_many_links") if len(self._open_links(item)) >= MOST_LINKS else None

    def _open_links(self, item: Item) -> list[Item]:
        return [one for one in self.links.values() if one["item"] is item and self._opens(one)]

    def _opens(self, link: Item) -> bool:
        return (
            not link["is_revoked"] and self.now < link["expires_at"] and link["item"]["status"] != "deleted"
        )

    def _link_view(self, link: Item) -> Item:
        return {
            "id": link["id"],
            "artifact": link["artifact"],
            "disposition": "attachment",
            "created_at": shown(link["created_at"]),
            "expires_at": shown(link["expires_at"]),
        }

    def shared(self, owner: str, item_id: str) -> Expected:
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        links = sorted(self._open_links(item), key=lambda one: (one["created_at"], one["id"]))
        return Expected(200, {"items": [self._link_view(link) for link in links]})

    def revoke(self, owner: str, item_id: str, link_id: str) -> Expected:
        item = self.living(owner, item_id)
        if item is None:
            return NOT_FOUND
        for link in self.links.values():
            if link["item"] is item and link["id"] == link_id and self.now < link["expires_at"]:
                link["is_revoked"] = True
                return Expected(204)
        return NOT_FOUND

    def open(self, token: str) -> str | None:
        """The key of what a link opens, or None."""
        link = self.links.get(token)
        if link is None or not self._opens(link):
            return None
        item, artifact = link["item"], link["artifact"]
        place = f"{item['owner']}/{item['id']}/{item['payload']['revision']}"
        return f"payloads/{place}" if artifact is None else f"artifacts/{place}/{artifact}"

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

    # Work in the background

    def upload(self, item: Item, body: bytes) -> bool:
        """Upload to a presigned URL; False when there is a payload already."""
        number = item["newest"]["revision"]
        if number in item["stored"]:
            return False
        item["stored"][number] = body
        return True

    def send_part(self, item: Item, number: int, body: bytes) -> None:
        """Send a part to S3, where it replaces an earlier one."""
        item["parts"]["sent"][number] = body

    def forget_parts(self, item: Item) -> None:
        """S3 no longer knows the upload: nothing counts as uploaded."""
        item["parts"].update(sent={}, is_known=False)

    def known_to_s3(self) -> list[Item]:
        """Uploads in parts that were begun, and neither put together nor ended."""
        return [item for item in self.items.values() if self.awaits_parts(item) and item["parts"]["is_known"]]

    def put_together(self, item: Item) -> None:
        """If S3 no longer has the parts, they may be sent again."""
        parts, newest = item["parts"], item["newest"]
        if self._missing(item):
            item["parts"] = {"sent": {}, "is_known": False, "is_completing": False}
            item["deadline"] = newest["expires_at"] + GRACE
        else:
            whole = b"".join(parts["sent"][number] for number in sorted(parts["sent"]))
            item["stored"].setdefault(newest["revision"], whole)
            parts["is_known"] = False

    def completing(self) -> list[Item]:
        return [
            item for item in self.items.values() if self.awaits_parts(item) and item["parts"]["is_completing"]
        ]

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

    def accept(self, item: Item, found: str, made: Item, artifacts: list[Item]) -> None:
        newest = item["newest"]
        body = item["stored"][newest["revision"]]
        payload = {
            "media_type": found,
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
        """Return objects whose payload is late. One that is being completed is only queued again."""
        return [
            item
            for item in self.known("pending")
            if item["deadline"] <= self.now
            and item["newest"]["revision"] not in item["stored"]
            and item not in self.completing()
        ]

    def _settle(self, item: Item, status: str, **changes: Any) -> None:
        self._change(item, f"object.{status}", status=status, lease_until=None, **changes)

    def forget(self, item: Item) -> None:
        """The tombstone's time is over: its key is free again. Its links stay, as dead as it is."""
        del self.items[item["id"]]

    def _change(self, item: Item, event: str, *, edited_by: str | None = None, **changes: Any) -> None:
        """Change an object. The worker's later events name the request for the revision, not an edit's."""
        item.update(changes)
        item["version"] += 1
        item["updated_at"] = self.now
        self._announce(item, event, edited_by or item["request"])

    def _announce(self, item: Item, event: str, request: str) -> None:
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
                "correlationid": request,
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
