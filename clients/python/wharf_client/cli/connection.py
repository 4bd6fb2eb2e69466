"""The service's address and the caller's credentials, taken from the environment."""

import os

from wharf_client.client import Wharf
from wharf_client.errors import Unavailable

#: The address of `make run`.
DEFAULT_URL = "http://127.0.0.1:8000"


def url() -> str:
    return os.environ.get("WHARF_URL") or DEFAULT_URL


def message_of(fault: Exception, name: str = "") -> str:
    """Return the line that tells of an error, with the name of the file, if it is about one of several.

    One that may come of a wrong address names that.
    """
    words = str(fault)
    if isinstance(fault, OSError) and fault.strerror:
        words = f"{fault.strerror}: {fault.filename}" if fault.filename else fault.strerror
    told = f"wharf: {name}: {words}" if name else f"wharf: {words}"
    return f"{told} (WHARF_URL: {url()})" if isinstance(fault, Unavailable) else told


def connect() -> Wharf:
    """Return a client for the caller that the environment names."""
    owner = os.environ.get("WHARF_OWNER")
    return Wharf(
        url(),
        api_key=os.environ.get("WHARF_API_KEY"),
        token=os.environ.get("WHARF_TOKEN"),
        headers={"X-Owner": owner} if owner else None,
    )
