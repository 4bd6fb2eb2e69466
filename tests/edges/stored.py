"""What stands behind a door: the caller's objects, in statuses that only the worker brings about."""

from dataclasses import dataclass
from typing import Any

import httpx2
from starlette.testclient import TestClient

from app.domain.objects import StoredObject
from app.storage.objects import ObjectRepository
from tests.conftest import Aws
from tests.edges.doors import API_KEY_ID
from tests.statuses import make_in, make_record

ID = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
URL = f"/v1/objects/{ID}"


@dataclass(frozen=True, slots=True)
class Stored:
    """Each is the sample object, at URL."""

    aws: Aws
    owner: str

    @property
    def repository(self) -> ObjectRepository:
        return self.aws.adapters().objects

    def add(self, status: str, **changes: Any) -> StoredObject:
        return self.repository.add(make_in(status, **{"owner": self.owner} | changes))

    def add_record(self, **changes: Any) -> StoredObject:
        return self.repository.add(make_record(**{"owner": self.owner} | changes))

    def now(self) -> StoredObject:
        return self.repository.get(self.owner, ID)


def behind(client: httpx2.Client, aws: Aws) -> Stored:
    return Stored(aws, "local-me" if isinstance(client, TestClient) else f"key-{API_KEY_ID}")
