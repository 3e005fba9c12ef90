"""One POST to an address that a user wrote, so that it never reaches a private network.

The name is resolved once, every address found must be public, and the connection goes to just these
addresses: a resolver that answers differently a moment later changes nothing. Redirects are not
followed and proxies from the environment not used. COLORIA_WEBHOOK_HOSTS names the exceptions.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT = 10.0  # seconds from the connection to the last byte that is read
ANSWER = 2_000  # bytes of an answer that are read
PORTS = (443, 8443)  # elsewhere live services that should not be sent bytes of ours
TRIES = 3  # addresses of one name

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
SPECIAL = [  # inside of what Python calls global
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
]


class Undelivered(Exception):
    """No answer came; `reason` is one of models.Delivery.Outcome."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes, taken apart once."""

    secure: bool
    host: str  # ASCII, as for DNS, TLS and the Host header
    port: int
    path: str  # with query
    trusted: bool  # named in COLORIA_WEBHOOK_HOSTS

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str


def target(url: str) -> Target:
    """Raises Undelivered("refused") with the reason in words of an URL that is never called."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port or (80 if parts.scheme == "http" else 443)
    except ValueError as error:  # UnicodeError is one
        raise Undelivered("refused", "not an address") from error
    trusted = host in settings.COLORIA_WEBHOOK_HOSTS
    if not host or parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        raise Undelivered("refused", "not an address")
    if parts.username is not None or parts.fragment:
        raise Undelivered("refused", "user name or fragment in the address")
    if not trusted and (parts.scheme != "https" or port not in PORTS):
        raise Undelivered("refused", "not https on port 443 or 8443")
    if not trusted and (literal := as_literal(host)) and not is_public(literal):
        raise Undelivered("refused", "not a public address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise Undelivered("refused", "not an address")
    return Target(parts.scheme == "https", host, port, path, trusted)


def as_literal(host: str) -> Address | None:
    """The address that a host is, in any of the forms that a resolver takes for one: 127.1,
    0x7f000001.
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host))
    except OSError:
        return None


def is_public(address: Address) -> bool:
    """Whether anybody on the internet would reach the same machine by it, and it is not ours."""
    if address.version == 6 and address in NAT64:
        address = ipaddress.ip_address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in SPECIAL if network.version == address.version):
        return False
    if address.version == 6 and address not in GLOBAL_UNICAST:  # mapped, local, multicast, ...
        return False
    return address.is_global and not address.is_multicast and not is_own(address)


def is_own(address: Address) -> bool:
    """Whether it is an address of this machine: only then is it also where a datagram to it would
    come from. Nothing is sent.
    """
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return bool(probe.getsockname()[0] == str(address))
    except OSError:  # no way there
        return False


def resolve(place: Target) -> list[Any]:
    """What getaddrinfo found, asked once. All of it must be public, or nothing is called."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Undelivered("unresolved", str(error)) from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not place.trusted and not all(map(is_public, addresses)):
        raise Undelivered("refused", "not a public address")
    return found[:TRIES]


def post(url: str, body: str, headers: Mapping[str, str]) -> Answer:
    """Send one message. Raises Undelivered if no complete answer came in time."""
    place = target(url)
    addresses = resolve(place)
    deadline = time.monotonic() + TIMEOUT
    try:
        with closing(connect(addresses, deadline)) as plain, closing(wrap(plain, place)) as link:
            return exchange(link, place, body, headers, deadline)
    except TimeoutError as error:
        raise Undelivered("timed_out", str(error)) from error
    except ssl.SSLError as error:
        raise Undelivered("tls", str(error)) from error
    except (OSError, HTTPException) as error:
        raise Undelivered("unreachable", f"{type(error).__name__}: {error}") from error


def connect(addresses: Sequence[Any], deadline: float) -> socket.socket:
    """To the first address that answers; the name is not looked up again."""
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in addresses:
        link = socket.socket(family, kind, protocol)
        try:
            link.settimeout(left(deadline))
            link.connect(address)
            link.settimeout(left(deadline))  # for the handshake
        except OSError as error:
            link.close()
            failure = error
        else:
            return link
    raise failure


def wrap(link: socket.socket, place: Target) -> socket.socket:
    """TLS with the name that the user wrote, so its certificate must be for that name."""
    if not place.secure:
        return link
    return ssl.create_default_context().wrap_socket(link, server_hostname=place.host)


def exchange(
    link: socket.socket, place: Target, body: str, headers: Mapping[str, str], deadline: float
) -> Answer:
    connection = HTTPConnection(place.host, place.port)
    connection.sock = link
    fixed = {"Host": place.authority, "Connection": "close", "Accept-Encoding": "identity"}
    connection.request("POST", place.path, body.encode(), {**headers, **fixed})
    response = HTTPResponse(Hurried(link, deadline), method="POST")  # type: ignore[arg-type]
    response.begin()
    text = b""
    with suppress(OSError, HTTPException):  # the status has said all that matters
        text = response.read(ANSWER)
    return Answer(response.status, text.decode(errors="replace"))


class Hurried(RawIOBase):
    """What HTTPResponse reads from. A socket's own timeout begins anew with every byte, so that a
    slow server could keep us for ever; this one ends at the deadline.
    """

    def __init__(self, link: socket.socket, deadline: float) -> None:
        self.link, self.deadline = link, deadline

    def makefile(self, mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.link.settimeout(left(self.deadline))
        return self.link.recv_into(buffer)


def left(deadline: float) -> float:
    """Seconds; raises TimeoutError if there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("no time left")
    return seconds
