"""Conditional requests (RFC 9110, section 13). An object's strong entity tag is its version."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from app.domain.errors import InvalidPrecondition

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
#: No two parts can match the same blank, so the time to match grows only with the header's length.
TAG_LIST = rf"[ \t,]*{ENTITY_TAG}(?:[ \t]*,[ \t,]*{ENTITY_TAG})*[ \t,]*"
VERSION_TAG = re.compile(r'"([1-9][0-9]{0,17})"')
ANY = "*"
SENT_TAG = r'(W/)?"[!#-~]*"'
MOST_TAGS = 100
#: The documented form. Empty list elements, tabs and bytes above ASCII are understood as well.
CONDITION = {"pattern": rf"^(\*|{SENT_TAG}( *, *{SENT_TAG}){{0,{MOST_TAGS - 1}}})$"}


def entity_tag(version: int) -> str:
    """Return the version as a strong entity tag, quotes included."""
    return f'"{version}"'


async def _if_match(
    request: Request,
    _if_match: Annotated[
        str | None,
        Header(
            alias="If-Match",
            description='Act only if the object is at one of these versions, such as `"3"`; 412 if not.',
            examples=['"3"'],
            json_schema_extra=CONDITION,
        ),
    ] = None,
) -> frozenset[int] | None:
    """Return the versions that are accepted; None accepts any. Raises InvalidPrecondition."""
    sent = _sent(request, "If-Match")
    if sent is None or sent.strip() == ANY:
        return None
    # Strong comparison: a weak tag never matches (section 13.1.1).
    versions = (VERSION_TAG.fullmatch(tag) for tag in _tags(sent, "If-Match"))
    return frozenset(int(version[1]) for version in versions if version)


async def _if_none_match(
    request: Request,
    _if_none_match: Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            description="Answer 304, or 412 to a change, if the object is at one of these versions.",
            examples=['"3"'],
            json_schema_extra=CONDITION,
        ),
    ] = None,
) -> frozenset[str]:
    """Return the tags that the client knows, or `*`. Raises InvalidPrecondition."""
    sent = _sent(request, "If-None-Match")
    if sent is None:
        return frozenset()
    if sent.strip() == ANY:
        return frozenset(ANY)
    # Weak comparison (section 13.1.2).
    return frozenset(tag.removeprefix("W/") for tag in _tags(sent, "If-None-Match"))


def is_known(known: frozenset[str], version: int) -> bool:
    """True if the client has this version already."""
    return ANY in known or entity_tag(version) in known


def _sent(request: Request, header: str) -> str | None:
    """Return the header. Several lines of it are one list (RFC 9110, section 5.3)."""
    lines = request.headers.getlist(header)
    return ", ".join(lines) if lines else None


def _tags(value: str, header: str) -> list[str]:
    if not re.fullmatch(TAG_LIST, value):
        raise InvalidPrecondition(header)
    tags = re.findall(ENTITY_TAG, value)
    if len(tags) > MOST_TAGS:
        raise InvalidPrecondition(header)
    return tags


@dataclass(frozen=True, slots=True)
class Allowed:
    """The versions of an object that a change may meet."""

    matched: frozenset[int] | None
    known: frozenset[str]

    def __contains__(self, version: object) -> bool:
        is_matched = self.matched is None or version in self.matched
        return is_matched and not (isinstance(version, int) and is_known(self.known, version))


IfNoneMatch = Annotated[frozenset[str], Depends(_if_none_match)]


async def _allowed(
    matched: Annotated[frozenset[int] | None, Depends(_if_match)], known: IfNoneMatch
) -> Allowed:
    """Return what both headers allow of a change (RFC 9110, sections 13.1.1 and 13.1.2)."""
    return Allowed(matched, known)


AllowedVersions = Annotated[Allowed, Depends(_allowed)]
