"""Objects that a client asks for, and the calls that ask for them."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.api.services import ApiServices
from app.domain.causes import Cause
from app.domain.objects.stored import StoredObject
from app.domain.objects.values import Artifact, Payload, Result
from app.services.objects.creating import NewObject
from app.services.objects.uploads import DeclaredPayload, InlinePayload
from app.storage.objects import ObjectRepository
from tests.conftest import NOW, make_object

ME, YOU = "local-me", "local-you"
CSV = b"a,b\n1,2\n3,4\n"
INLINE = InlinePayload("text/csv", CSV)
DECLARED = DeclaredPayload("text/csv", 12, "ab" * 32)
UPLOAD_SECONDS, DOWNLOAD_SECONDS = 900, 300


def new(**changes: Any) -> NewObject:
    values: dict[str, Any] = {
        "kind": "dataset",
        "name": "cities.csv",
        "attributes": {"source": "survey"},
        "labels": {"team": "growth"},
        "payload": DECLARED,
        "fingerprint": "f" * 64,
        "idempotency_key": None,
    }
    return NewObject(**values | changes)


def new_record(**changes: Any) -> NewObject:
    return new(**{"kind": "record", "name": "order 42", "payload": None} | changes)


def create(api: ApiServices, wanted: NewObject, *, owner: str = ME) -> StoredObject:
    return api.creating.create(owner, wanted, cause=Cause("request-1")).stored


def make_ready(repository: ObjectRepository, **changes: Any) -> StoredObject:
    """A dataset whose first revision is ready, with one artifact."""
    claimed = make_object(**changes).claim(now=NOW, lease_until=NOW + timedelta(minutes=5))
    payload = Payload("text/csv", 12, "a" * 64, 1)
    result = Result({"rows": 2}, (Artifact("profile.json", "application/json", 40, "b" * 64),))
    return repository.add(claimed.accept(payload, result, now=NOW))


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
