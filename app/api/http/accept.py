"""Which answers a client accepts (RFC 9110, section 12.5.1)."""

import re

JSON = "application/json"
QUALITY_ZERO = re.compile(r"q=0(\.0{0,3})?")


def accepts_json(accept: str) -> bool:
    """Whether JSON is acceptable; the most specific range decides. No header accepts anything."""
    qualities = _qualities(accept)
    for media_range in (JSON, "application/problem+json", "application/*", "*/*"):
        if media_range in qualities:
            return qualities[media_range]
    return not qualities


def asks_for_json(accept: str) -> bool:
    """Whether JSON is named, so that it is wanted rather than anything else."""
    return _qualities(accept).get(JSON, False)


def _qualities(accept: str) -> dict[str, bool]:
    """Media range to whether it is acceptable at all."""
    ranges = [part.split(";") for part in accept.lower().split(",") if part.strip()]
    return {
        media.strip(): not any(QUALITY_ZERO.fullmatch(parameter.strip()) for parameter in parameters)
        for media, *parameters in ranges
    }
