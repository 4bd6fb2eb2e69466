"""The Python client of Wharf: `Wharf` blocks, `AsyncWharf` does not, and both do the same.

client  aio           send the steps of a flow, and return its result
flows/                each use of the API as a generator of steps; does no I/O itself
retries               when to try again, decided from values alone
steps  pieces         the requests and the parts of files that a flow asks to be sent
errors                everything that can go wrong, as a tree
models  generated     the JSON of the API as typed dictionaries
webhooks              is a webhook genuine?
cli/                  the command line `wharf`, with the extra `cli`
"""

from wharf_client.aio import AsyncFeed, AsyncWharf
from wharf_client.client import Feed, Wharf
from wharf_client.errors import (
    Conflict,
    Forbidden,
    NotFound,
    ObjectNotReady,
    Refused,
    SourceChanged,
    StorageRefused,
    TimedOut,
    Unavailable,
    WharfError,
)
from wharf_client.models import Event, Object, ObjectSummary
from wharf_client.webhooks import NotGenuine, verify

__version__ = "0.2.0"
__all__ = [
    "AsyncFeed",
    "AsyncWharf",
    "Conflict",
    "Event",
    "Feed",
    "Forbidden",
    "NotFound",
    "NotGenuine",
    "Object",
    "ObjectNotReady",
    "ObjectSummary",
    "Refused",
    "SourceChanged",
    "StorageRefused",
    "TimedOut",
    "Unavailable",
    "Wharf",
    "WharfError",
    "verify",
]
