"""No webhook leads inside: whatever its URL and its resolver say, nothing is connected to."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import pytest

from app.domain.webhooks.endpoints import PUBLIC, Endpoint, ForbiddenEndpoint, Reach, choose_address
from app.sender.connect import Connector
from app.sender.send import Sender
from tests.subscribed import make_delivery, make_webhook

LOCAL = Reach(frozenset({8000, 4566}))

#: URLs that are refused before anything is resolved.
WRITTEN = [
    "http://app.example/",
    "ftp://app.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "//app.example/",
    "app.example",
    "https://",
    "https:///path",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://app.localhost/",
    "https://localhost./",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://192.0.0.9/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://[2606:4700::1111]/",
    "https://user@app.example/",
    "https://user:password@app.example/",
    "https://app.example@127.0.0.1/",
    "https://127.0.0.1:80\\@app.example/",
    "https://app.example\\@127.0.0.1/",
    "https://app.example#@127.0.0.1/",
    "https://app.example/#part",
    "https://app.example/a b",
    "https://app.example/\r\nHost: 127.0.0.1",
    "https://app.example/\t",
    "https://app.example\n.evil.example/",
    "https://app.example:0/",
    "https://app.example:65536/",
    "https://app.example:99999/",
    "https://app.example:/",
    "https://app.example:80:90/",
    "https://%31%32%37.0.0.1/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://ⓛocalhost/",
    "https://app..example/",
    "https://-app.example/",
    f"https://{'a' * 64}.example/",
    f"https://{'a.' * 126}example/",
    f"https://app.example/{'x' * 2048}",
    "https://app.example/ü",
    "https://app.example/\x00",
    " https://app.example/",
]

#: Addresses of IPv4 that are not outside.
INSIDE = [
    "0.0.0.0",  # noqa: S104  # an address to refuse
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]

#: Addresses of IPv6 that are not outside, or lead to an address of IPv4 that is not. No name leads to IPv6
#: alone, so each of them stands beside an address that is outside.
INSIDE_IPV6 = [
    "::",
    "::1",
    "::7f00:1",
    "::808:808",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "64:ff9b:1::808:808",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:808:8:800:808:808",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:0:808:808::f7f7:f7f7",
    "2001:db8::1",
    "2001:10::1",
    "2002:7f00:1::1",
    "2002:a00:1::",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "fd00::1",
]

#: Answers of a resolver. An address that is not allowed is enough for a refusal.
RESOLVED = [
    *((address,) for address in INSIDE),
    *(("8.8.8.8", address) for address in INSIDE_IPV6),
    ("8.8.8.8", "127.0.0.1"),
    ("8.8.8.8", "10.0.0.1", "1.1.1.1"),
    ("2606:4700::1111",),
    ("2606:4700::1111", "2606:4700::1001"),
]


@dataclass
class World:
    """A resolver that answers what it is told, and a connector that only counts."""

    answers: Sequence[Sequence[str]] = ()
    asked: list[str] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)

    def resolve(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1] if self.answers else ()

    def connect(self, address: str, port: int, _seconds: float) -> NoReturn:
        self.connected.append((address, port))
        raise ConnectionRefusedError

    def sender(self, reach: Reach = PUBLIC) -> Sender:
        return Sender(Connector(reach, resolve=self.resolve, connect=self.connect))


def test_there_are_more_than_sixty_of_each() -> None:
    assert min(len(WRITTEN), len(RESOLVED)) > 60


@pytest.mark.parametrize("url", WRITTEN, ids=range(len(WRITTEN)))
def test_a_url_that_leads_inside_is_not_even_resolved(url: str) -> None:
    world = World([["8.8.8.8"]])

    attempt = world.sender().send(make_webhook(url=url), make_delivery())

    assert (attempt.error, world.asked, world.connected) == ("endpoint_forbidden", [], [])
    with pytest.raises(ForbiddenEndpoint):
        Endpoint.parse(url)


@pytest.mark.parametrize("addresses", RESOLVED, ids=",".join)
def test_a_name_that_leads_inside_is_not_connected_to(addresses: tuple[str, ...]) -> None:
    world = World([addresses])

    attempt = world.sender().send(make_webhook(), make_delivery())

    assert (attempt.error, world.connected) == ("endpoint_forbidden", [])


@pytest.mark.parametrize(
    "addresses",
    [
        ("8.8.8.8",),
        ("1.1.1.1", "2606:4700::1111"),
        ("8.8.8.8", "64:ff9b::808:808"),
        ("8.8.8.8", "::ffff:8.8.8.8"),
        ("8.8.8.8", "2002:808:808::1"),
    ],
    ids=",".join,
)
def test_what_is_outside_is_connected_to(addresses: tuple[str, ...]) -> None:
    world = World([addresses])

    attempt = world.sender().send(make_webhook(), make_delivery())

    assert (attempt.error, world.connected) == ("not_connected", [(addresses[0], 443)])


def test_a_name_without_ipv4_says_so() -> None:
    attempt = World([["2606:4700::1111"]]).sender().send(make_webhook(), make_delivery())

    assert attempt.detail == "The host has no IPv4 address, and this service has no IPv6."


def test_what_was_checked_is_connected_to_although_the_name_moves_inside() -> None:
    """The name is resolved once, so an answer that changes between check and connection changes nothing."""
    world = World([["8.8.8.8"], ["127.0.0.1"]])

    world.sender().send(make_webhook(), make_delivery())

    assert (world.asked, world.connected) == (["app.example"], [("8.8.8.8", 443)])


def test_each_attempt_checks_anew() -> None:
    world = World([["8.8.8.8"], ["127.0.0.1"]])
    sender = world.sender()

    errors = [sender.send(make_webhook(), make_delivery()).error for _ in range(2)]

    assert errors == ["not_connected", "endpoint_forbidden"]
    assert len(world.connected) == 1


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    world = World([["8.8.8.8"]])

    world.sender().send(make_webhook(), make_delivery())

    assert world.connected == [("8.8.8.8", 443)]


@pytest.mark.parametrize("fault", [OSError("no"), UnicodeError("idna"), socket.gaierror(-2, "unknown")])
def test_a_name_that_is_not_known_is_not_resolved(fault: Exception) -> None:
    def resolve(_host: str, _port: int) -> NoReturn:
        raise fault

    sender = Sender(Connector(PUBLIC, resolve=resolve, connect=World().connect))

    assert sender.send(make_webhook(), make_delivery()).error == "not_resolved"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/x", "http://localhost:9000/", "https://localhost/", "http://app.example/"]
)
def test_the_local_runtime_reaches_this_machine(url: str) -> None:
    assert Endpoint.parse(url, LOCAL).target


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1/objects",
        "http://127.0.0.1:4566/",
        "http://localhost:8000/",
        "http://app.example:8000/",
        "http://192.168.1.1/",
        "http://169.254.169.254/",
        "http://10.0.0.1:9000/",
    ],
)
def test_the_local_runtime_reaches_neither_itself_nor_other_machines_inside(url: str) -> None:
    world = World([["127.0.0.1"]])

    attempt = world.sender(LOCAL).send(make_webhook(url=url), make_delivery())

    assert (attempt.error, world.connected) == ("endpoint_forbidden", [])


def test_a_name_of_this_machine_leads_to_no_other_inside() -> None:
    for address in ("10.0.0.1", "192.168.0.1", "169.254.169.254", "fe80::1"):
        with pytest.raises(ForbiddenEndpoint):
            choose_address(["127.0.0.1", address], LOCAL)


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://App.Example", "/", "app.example"),
        ("https://app.example:443/", "/", "app.example"),
        ("HTTPS://app.example:8443/a/b?c=d&e", "/a/b?c=d&e", "app.example:8443"),
        ("https://app.example?c=d", "/?c=d", "app.example"),
        ("https://xn--zo-6ja.example/", "/", "xn--zo-6ja.example"),
        ("https://8.8.8.8/", "/", "8.8.8.8"),
    ],
)
def test_a_url_is_taken_apart(url: str, target: str, authority: str) -> None:
    endpoint = Endpoint.parse(url)

    assert (endpoint.target, endpoint.authority) == (target, authority)
