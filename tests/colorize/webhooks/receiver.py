"""A receiver of webhooks on this machine, and names that lead to it or elsewhere."""

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

from tests.servers import program

HOST = "hooks.example.com"


class Receiver:
    """Answers every POST with `status` and keeps what came."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.status, self.headers, self.answer = 200, dict[str, str](), b"thank you"
        self.pause = 0.0  # seconds between two bytes of an answer
        self.came: list[tuple[str, dict[str, str], str]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                told = {name.lower(): value for name, value in self.headers.items()}
                receiver.came.append((self.path, told, body))
                with contextlib.suppress(OSError):
                    self.give()

            def give(self) -> None:
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                if receiver.pause:
                    self.drip()
                self.end_headers()
                self.wfile.write(receiver.answer)

            def drip(self) -> None:
                self.flush_headers()
                for _ in range(200):
                    self.wfile.write(b"X-Drip: 1\r\n")
                    time.sleep(receiver.pause)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port: int = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@contextlib.contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    receiver = Receiver(certificate)
    try:
        yield receiver
    finally:
        receiver.close()


def certificate(folder: Path, host: str = HOST) -> Path:
    """Key and certificate of a host, in one file."""
    path = folder / f"{host}.pem"
    make = [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    make += ["ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={host}"]
    make += ["-addext", f"subjectAltName=DNS:{host}", "-keyout", "-", "-out", "-"]
    path.write_bytes(subprocess.run(make, check=True, capture_output=True).stdout)
    return path


def resolver(*answers: str, port: int = 0) -> Any:
    """A DNS whose answers change: each question gets the next, the last one for ever. `port` is
    where the first answer's host listens in truth.
    """
    left = list(answers)

    def look_up(host: str, asked: int, *arguments: Any, **named: Any) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port or asked))]

    return mock.patch("socket.getaddrinfo", side_effect=look_up)


def calling_public(*addresses: str) -> Any:
    """As if these addresses were on the internet."""
    from colorize.webhooks import outbound

    honest: Callable[[Any], bool] = outbound.is_public
    return mock.patch(
        "colorize.webhooks.outbound.is_public",
        side_effect=lambda address: str(address) in addresses or honest(address),
    )
