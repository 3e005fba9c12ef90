"""Where a webhook may call: public addresses by https, whatever a name says a moment later."""

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from colorize.webhooks import outbound
from colorize.webhooks.outbound import Undelivered
from tests.colorize.webhooks.receiver import (
    HOST,
    Receiver,
    calling_public,
    certificate,
    receiving,
    resolver,
)
from tests.servers import free_port

URL = f"https://{HOST}/hook?a=1"
PRIVATE = [
    address
    for line in (
        "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1",
        "172.31.255.255 192.0.0.9 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1",
        "203.0.113.1 224.0.0.1 239.1.2.3 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1",
        "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::a00:1 100::1",
        "64:ff9b:1::1 2001::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 5f00::1 fc00::1",
        "fd12::1 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1",
    )
    for address in line.split()
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not outbound.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_known(address: str) -> None:
    assert outbound.is_public(ipaddress.ip_address(address))


def test_a_public_address_of_this_machine_is_refused() -> None:
    """What listens here may be meant for this machine alone."""
    assert outbound.is_own(ipaddress.ip_address("127.0.0.1"))
    assert not outbound.is_own(ipaddress.ip_address("8.8.8.8"))
    with mock.patch("colorize.webhooks.outbound.is_own", return_value=True):
        assert not outbound.is_public(ipaddress.ip_address("8.8.8.8"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "https:///path",
        "https://hooks.example.com:99999/",
        "https://[::1/",
        f"https://{'a' * 64}.example.com/",
        "https://user:password@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX-Header: 1",
        "https://hooks.example.com/\u00e9",
        "http://hooks.example.com/",
        "https://hooks.example.com:25/",
        "https://hooks.example.com:80/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_an_address_that_is_never_called_is_refused_without_a_look_up(url: str) -> None:
    with resolver("8.8.8.8") as looked_up, pytest.raises(Undelivered) as refusal:
        outbound.target(url)
    assert refusal.value.reason == "refused"
    looked_up.assert_not_called()


def test_a_name_is_written_as_dns_wants_it() -> None:
    assert outbound.target("https://b\u00fccher.example/a").host == "xn--bcher-kva.example"
    assert outbound.target("https://HOOKS.Example.com:8443/").authority == "hooks.example.com:8443"
    assert outbound.target("https://[2606:4700::1]/").authority == "[2606:4700::1]"
    assert outbound.target("https://hooks.example.com").path == "/"


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_for_a_private_address_is_never_connected_to(address: str) -> None:
    with (
        resolver(address),
        mock.patch("colorize.webhooks.outbound.connect") as connect,
        pytest.raises(Undelivered) as refusal,
    ):
        outbound.post(URL, "{}", {})
    assert refusal.value.reason == "refused"
    connect.assert_not_called()


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 443)) for a in ("8.8.8.8", "10.0.0.1")]
    with (
        mock.patch("socket.getaddrinfo", return_value=found),
        mock.patch("colorize.webhooks.outbound.connect") as connect,
        pytest.raises(Undelivered),
    ):
        outbound.post(URL, "{}", {})
    connect.assert_not_called()


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver with a certificate for HOST that this process trusts."""
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with receiving(path) as receiver:
        yield receiver


def call(receiver: Receiver, url: str = URL, *answers: str) -> Any:
    """Post to a name that the resolver says is the receiver, as if it were on the internet."""
    with resolver(*(answers or ("127.0.0.1",)), port=receiver.port), calling_public("127.0.0.1"):
        return outbound.post(url, '{"a":1}', {"Content-Type": "application/json"})


def test_a_message_arrives_by_tls_with_the_name_that_was_written(secure: Receiver) -> None:
    answer = call(secure)
    ((path, headers, body),) = secure.came
    assert (answer.status, answer.text, path, body) == (200, "thank you", "/hook?a=1", '{"a":1}')
    assert headers["host"] == HOST and headers["content-type"] == "application/json"


def test_a_resolver_that_changes_its_answer_changes_nothing(secure: Receiver) -> None:
    """DNS rebinding: asked once, and the connection goes to what was checked."""
    with (
        resolver("127.0.0.1", "10.0.0.1", port=secure.port) as looked_up,
        calling_public("127.0.0.1"),
    ):
        assert outbound.post(URL, "{}", {}).status == 200
    assert looked_up.call_count == 1
    assert len(secure.came) == 1


def test_a_name_that_is_public_first_and_private_at_the_next_message_is_refused_then(
    secure: Receiver,
) -> None:
    call(secure)
    with resolver("127.0.0.1", port=secure.port), pytest.raises(Undelivered) as refusal:
        outbound.post(URL, "{}", {})
    assert refusal.value.reason == "refused" and len(secure.came) == 1


def test_a_certificate_for_another_name_is_refused(secure: Receiver) -> None:
    with pytest.raises(Undelivered) as failure:
        call(secure, "https://other.example.com/")
    assert failure.value.reason == "tls" and secure.came == []


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with receiving(certificate(tmp_path)) as receiver, pytest.raises(Undelivered) as failure:
        call(receiver)
    assert failure.value.reason == "tls" and receiver.came == []


def test_a_redirect_is_not_followed(secure: Receiver) -> None:
    with receiving() as inner:
        secure.status, secure.headers = 302, {"Location": f"http://127.0.0.1:{inner.port}/"}
        assert call(secure).status == 302
        assert inner.came == []


def test_proxies_of_the_environment_are_not_used(
    secure: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert call(secure).status == 200
        assert proxy.came == []


def test_a_server_that_drips_is_left_at_the_deadline(
    secure: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every byte comes well within any timeout of the socket."""
    monkeypatch.setattr(outbound, "TIMEOUT", 0.6)
    secure.pause = 0.05
    started = time.monotonic()
    with pytest.raises(Undelivered) as failure:
        call(secure)
    assert failure.value.reason == "timed_out"
    assert time.monotonic() - started < 3


def test_no_more_of_an_answer_is_read_than_is_needed(secure: Receiver) -> None:
    secure.answer = b"x" * 5_000_000
    assert len(call(secure).text) == outbound.ANSWER


def test_a_server_that_speaks_no_http_is_unreachable(settings: Any) -> None:
    settings.COLORIA_WEBHOOK_HOSTS = ["127.0.0.1"]

    def greet() -> None:
        link, _ = server.accept()
        link.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
        link.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(Undelivered) as failure:
            outbound.post(f"http://127.0.0.1:{server.getsockname()[1]}/", "{}", {})
        thread.join()
    assert failure.value.reason == "unreachable"


def test_a_name_that_nobody_knows_is_told_apart() -> None:
    unknown = mock.patch("socket.getaddrinfo", side_effect=socket.gaierror(-2, "unknown"))
    with unknown, pytest.raises(Undelivered) as failure:
        outbound.post(URL, "{}", {})
    assert failure.value.reason == "unresolved"


def test_the_next_address_of_a_name_is_tried(secure: Receiver) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        for port in (free_port(), secure.port)
    ]
    with mock.patch("socket.getaddrinfo", return_value=found), calling_public("127.0.0.1"):
        assert outbound.post(URL, "{}", {}).status == 200


def test_a_host_of_the_settings_may_be_private_and_plain(settings: Any) -> None:
    settings.COLORIA_WEBHOOK_HOSTS = ["127.0.0.1"]
    with receiving() as receiver:
        assert outbound.post(f"http://127.0.0.1:{receiver.port}/", "{}", {}).status == 200
        ((_, headers, _),) = receiver.came
        assert headers["host"] == f"127.0.0.1:{receiver.port}"
    with pytest.raises(Undelivered):
        outbound.post(f"http://127.0.0.2:{receiver.port}/", "{}", {})
