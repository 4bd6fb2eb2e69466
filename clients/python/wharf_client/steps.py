"""The steps that a flow asks its driver to take, and the answers that it gets."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar

from wharf_client.pieces import Piece

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the API, with the caller's credentials. Answered by Answer or Broken."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Sent as JSON.
    body: Any = None
    #: How long the service may wait before it answers.
    waits_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Send:
    """A piece for storage, without credentials. Answered by Answer or Broken."""

    method: str
    url: str
    headers: Mapping[str, str]
    piece: Piece


@dataclass(frozen=True, slots=True)
class Fetch:
    """A download from storage into a file, from an offset on. Answered by Answer or Broken."""

    url: str
    into: BinaryIO
    offset: int
    #: Called with the number of bytes that the file has so far.
    report: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """Work that blocks, such as reading a large file. Answered by its result."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    #: The headers, with names in lower case.
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """The connection could not be made, or ended before the answer did."""

    reason: str


Step = Call | Send | Fetch | Pause | Work
Outcome = Answer | Broken
#: A use of the API: yields steps, is sent what came of each, and returns the result.
Flow = Generator[Step, Any, T]
