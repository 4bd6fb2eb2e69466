"""A share link to begin a test with."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.domain.objects.links import Disposition, Link, Links, hash_of
from app.domain.objects.state import new_token
from app.storage.links import LinkRepository
from tests.conftest import NOW

LINK = "5c0d3f6e-1f0a-4d7e-8a4b-9b2a6c7d8e90"
TOKEN = "x0Y6ePq2TzS7u1nKc9dGgA"  # noqa: S105  # it opens nothing outside of the tests
OBJECT_ID = "0b7e7d3a-9a0e-4e6f-8a51-2f1c7f1f6a10"
#: A time after every moment of a test.
LATEST = datetime(2099, 1, 1, tzinfo=UTC)


def make_link(**changes: Any) -> Link:
    """A link to the sample object's payload, which TOKEN opens."""
    values: dict[str, Any] = {
        "owner": "local-me",
        "object_id": OBJECT_ID,
        "object_created_at": NOW,
        "id": LINK,
        "token_hash": hash_of(TOKEN),
        "salt": None,
        "fingerprint": "f" * 64,
        "artifact": None,
        "disposition": Disposition.ATTACHMENT,
        "created_at": NOW,
        "expires_at": LATEST,
    }
    return Link(**values | changes)


def put_links(repository: LinkRepository, *links: Link) -> Links:
    """Store links of one object beside those that it has. To store them again changes nothing."""
    read = repository.of_object(links[0].owner, links[0].object_id)
    ids = {link.id for link in links}
    kept = [link for link in read.links if link.id not in ids]
    after = replace(read, links=(*kept, *links), write_token=new_token())
    repository.save(after, read=read)
    return after
