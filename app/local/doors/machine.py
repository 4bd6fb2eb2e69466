"""The names of this machine, and the pages that may send requests to it.

A page of another site reaches this machine in two ways. It sends requests to 127.0.0.1, and
then its browser names the page in `Origin`. Or its site's name leads to 127.0.0.1 all of a
sudden (DNS rebinding), and then its browser puts that name into `Host`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{1,5})?", re.IGNORECASE)
ORIGIN = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?:[0-9]{1,5}|\*))?", re.IGNORECASE)
ANY_PORT = ":*"
#: The pages of servers on this machine, such as a front end under development.
OWN_ORIGINS = ",".join(
    f"{scheme}://{name}{ANY_PORT}"
    for scheme in ("http", "https")
    for name in ("localhost", "127.0.0.1", "[::1]")
)


@dataclass(frozen=True, slots=True)
class Machine:
    #: Further names by which clients reach this machine, in lower case.
    names: frozenset[str] = frozenset()

    def is_meant_by(self, host: str, address: str | None = None) -> bool:
        """True if a `Host` header names this machine. `address` is the one that the request came in at.

        A name without a dot does so too: it belongs to a container or a local network. No site of the
        internet has such a name, so none can lead it here.
        """
        found = AUTHORITY.fullmatch(host)
        if not found:
            return False
        name = (found["ipv6"] or found["name"]).lower()
        return (
            not {".", ":"} & set(name)
            or name.endswith(".localhost")
            or name in self.names
            or _is_loopback(name)
            or name == address
        )


def name_in(url: str) -> frozenset[str]:
    """Return the host that a URL names, if it names one."""
    return frozenset(filter(None, [urlsplit(url).hostname]))


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages that may send requests, as CORS_ORIGINS names them: `*` for any, `:*` for any port."""

    origins: tuple[str, ...]

    @classmethod
    def of(cls, origins: Iterable[str]) -> "Pages":
        return cls(tuple(one.lower() for one in origins))

    def may_send(self, origin: str) -> bool:
        return any(_matches(origin.lower(), allowed) for allowed in self.origins)


def _matches(origin: str, allowed: str) -> bool:
    if allowed.endswith(ANY_PORT):
        base = allowed.removesuffix(ANY_PORT)
        return re.fullmatch(rf"{re.escape(base)}(?::[0-9]{{1,5}})?", origin) is not None
    return allowed in {"*", origin}


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
