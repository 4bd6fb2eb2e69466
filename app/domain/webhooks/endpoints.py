"""The places where a webhook may go: the form of its URL, and the addresses that its host may have.

An endpoint is outside: on the public internet, over HTTPS. `Reach` widens that for the local
runtime. One parser serves the check and the connection, so both see the same host.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

URL_CHARACTERS = 2_048
HOST_CHARACTERS = 253
PORTS = {"https": 443, "http": 80}

#: Printable ASCII without blanks, and without the backslash that some parsers read as a slash.
PRINTABLE = re.compile(r"[!-\[\]-~]+", re.ASCII)
FORM = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<target>[^#]*)", re.ASCII | re.IGNORECASE)
AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*", re.ASCII)
#: A text that resolvers may read as an IPv4 address, or as a part of one: decimal, octal or hexadecimal.
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)

#: Networks that are refused although some of their addresses count as global: this network, protocol
#: assignments, the old relays of 6to4, benchmarks, multicast, the future's, and examples (RFC 9637).
NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "3fff::/20",
    )
)
GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


class ForbiddenEndpoint(ValueError):
    """A webhook may not go there. The text says why, and repeats nothing of the URL."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far webhooks of this deployment reach beside the public internet."""

    #: The ports that are refused where HTTP and this machine are allowed. None allows neither.
    loopback_except: frozenset[int] | None = None

    @property
    def is_local(self) -> bool:
        return self.loopback_except is not None

    def refuse_port(self, port: int) -> None:
        if self.loopback_except is not None and port in self.loopback_except:
            raise ForbiddenEndpoint("This port is Wharf's own.")

    def refuse_address(self, address: Address) -> None:
        if self.is_local and address.is_loopback:
            return
        if not is_public(address):
            raise ForbiddenEndpoint("The address is not on the public internet.")


#: The reach of every deployed stack.
PUBLIC = Reach()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL that was taken apart. `target` is what the request line asks for."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, url: str, reach: Reach = PUBLIC) -> Self:
        """Return the parts of a URL that a webhook may have. Resolves no name. Raises ForbiddenEndpoint."""
        if len(url) > URL_CHARACTERS:
            raise ForbiddenEndpoint(f"A URL has at most {URL_CHARACTERS} characters.")
        if not PRINTABLE.fullmatch(url):
            raise ForbiddenEndpoint("A URL is printable ASCII without blanks and backslashes.")
        form = FORM.fullmatch(url)
        if form is None:
            raise ForbiddenEndpoint("Write https://host/path, without a fragment.")
        scheme = form["scheme"].lower()
        if scheme != "https" and not reach.is_local:
            raise ForbiddenEndpoint("Only https is allowed.")
        host, port = _host_and_port(form["authority"], PORTS[scheme])
        reach.refuse_port(port)
        _refuse_host(host, reach)
        target = form["target"]
        return cls(scheme, host, port, target if target.startswith("/") else f"/{target}")

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"


def choose_address(found: Iterable[str], reach: Reach = PUBLIC) -> str:
    """Return the address to connect to, of all that a name has. Each of them must be allowed.

    It is an IPv4 address: a function outside of a VPC has no IPv6. Raises ForbiddenEndpoint.
    """
    addresses = [ip_address(text) for text in found]
    for address in addresses:
        reach.refuse_address(address)
    chosen = next((str(address) for address in addresses if isinstance(address, IPv4Address)), None)
    if chosen is None:
        raise ForbiddenEndpoint("The host has no IPv4 address, and this service has no IPv6.")
    return chosen


def is_public(address: Address) -> bool:
    """True if an address is outside, and so is the IPv4 address that is written inside of it."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False  # the zone of one machine's interface
        inner = _inside(address)
        if inner is not None:
            return is_public(inner)
        if address not in GLOBAL_UNICAST:
            return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC)


def _inside(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, for the forms that may lead outside.

    The others (Teredo, 64:ff9b:1::/48, ::/96) are refused altogether, because they are not global unicast.
    """
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _host_and_port(authority: str, default: int) -> tuple[str, int]:
    if "@" in authority:
        raise ForbiddenEndpoint("A URL has no user name and no password.")
    parts = AUTHORITY.fullmatch(authority)
    if parts is None or not parts["host"]:
        raise ForbiddenEndpoint("Write a host, and a port if it is not the usual one.")
    port = default if parts["port"] is None else int(parts["port"])
    if not 1 <= port <= 65_535:
        raise ForbiddenEndpoint("A port is a number from 1 to 65535.")
    return parts["host"].lower(), port


def _refuse_host(host: str, reach: Reach) -> None:
    if host.startswith("["):
        raise ForbiddenEndpoint("This service has no IPv6. Write a name, or an IPv4 address.")
    if len(host) > HOST_CHARACTERS or not NAME.fullmatch(host):
        raise ForbiddenEndpoint("A host is a name in ASCII, or an IPv4 address.")
    last = host.rpartition(".")[2]
    if NUMBER.fullmatch(last):
        try:
            reach.refuse_address(IPv4Address(host))
        except AddressValueError:
            raise ForbiddenEndpoint("Write an IPv4 address as four decimal numbers.") from None
    elif not reach.is_local and last in (host, "localhost"):
        raise ForbiddenEndpoint("The name is not one of the public internet.")
