"""Conditional requests (RFC 9110, section 13). An object's strong entity tag is its version."""

import re
from typing import Annotated

from fastapi import Depends, Header

from app.domain.errors import InvalidPrecondition

ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
TAG_LIST = re.compile(rf"[ \t,]*{ENTITY_TAG}(?:[ \t]*,[ \t]*(?:{ENTITY_TAG})?)*[ \t]*")
ANY = "*"


def entity_tag(version: int) -> str:
    return f'"{version}"'


async def _if_match(
    if_match: Annotated[
        str | None, Header(description='Only if the object is at one of these versions: `"3"`.')
    ] = None,
) -> frozenset[int] | None:
    """The versions that are accepted; None accepts any that is there."""
    if if_match is None or if_match.strip() == ANY:
        return None
    # Strong comparison: a weak tag never matches (section 13.1.1).
    strong = {tag for tag in _tags(if_match, "If-Match") if not tag.startswith("W/")}
    return frozenset(int(tag[1:-1]) for tag in strong if tag[1:-1].isdecimal() and tag.isascii())


async def _if_none_match(
    if_none_match: Annotated[
        str | None, Header(description='Answer 304 if the object is still at this version: `"3"`.')
    ] = None,
) -> frozenset[str]:
    if if_none_match is None:
        return frozenset()
    if if_none_match.strip() == ANY:
        return frozenset(ANY)
    # Weak comparison (section 13.1.2).
    return frozenset(tag.removeprefix("W/") for tag in _tags(if_none_match, "If-None-Match"))


def is_known(known: frozenset[str], version: int) -> bool:
    """Whether the client has this version already."""
    return ANY in known or entity_tag(version) in known


def _tags(value: str, header: str) -> list[str]:
    if not TAG_LIST.fullmatch(value):
        raise InvalidPrecondition(header)
    return re.findall(ENTITY_TAG, value)


IfMatch = Annotated[frozenset[int] | None, Depends(_if_match)]
IfNoneMatch = Annotated[frozenset[str], Depends(_if_none_match)]
