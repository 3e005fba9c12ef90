"""A file server with every bad habit."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Habits:
    """What the server does with its one file."""

    body: bytes = b""
    etag: str = '"one"'
    kind: str = "application/octet-stream"
    ranges: bool = True
    obeys_if_range: bool = True
    length: int | None = None  # declared instead of the true one; -1: none at all (chunked)
    cut: int | None = None  # bytes after which the connection is closed, in every answer
    status: int = 200
    location: str = ""
    drip: float = 0.0  # seconds before each byte


@dataclass
class Server:
    url: str
    habits: dict[str, Habits]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def at(self, path: str) -> str:
        return f"{self.url}/{path}"

    def serve(self, path: str, body: bytes = b"", **habits: Any) -> str:
        self.habits[path] = Habits(body, **habits)
        return self.at(path)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shared: Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.shared.asked.append((path, dict(self.headers)))
        habits = self.shared.habits.get(path, Habits(status=404))
        self.close_connection = True
        if habits.location:
            self.send_response(302)
            self.send_header("Location", habits.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif habits.status != 200:
            self.send_response(habits.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send(habits, self.first(habits))

    def first(self, habits: Habits) -> int:
        """The byte that the answer starts with."""
        asked = self.headers.get("Range", "")
        same = self.headers.get("If-Range") == habits.etag or not habits.obeys_if_range
        return int(asked[6:-1]) if asked and habits.ranges and same else 0

    def send(self, habits: Habits, first: int) -> None:
        if first and first >= len(habits.body):
            self.send_error(416)
            return
        body = habits.body[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Type", habits.kind)
        self.send_header("ETag", habits.etag)
        if first:
            last, total = len(habits.body) - 1, len(habits.body)
            self.send_header("Content-Range", f"bytes {first}-{last}/{total}")
        if habits.length == -1:
            self.send_header("Transfer-Encoding", "chunked")
            body = chunked(body)
        else:
            declared = len(body) if habits.length is None else habits.length
            self.send_header("Content-Length", str(declared))
        self.end_headers()
        try:
            for piece in pieces(body[: habits.cut], habits.drip):
                self.wfile.write(piece)
        except ConnectionError:
            pass  # the client has seen enough


def chunked(body: bytes) -> bytes:
    parts = [body[start : start + 9999] for start in range(0, len(body), 9999)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])


def pieces(body: bytes, drip: float) -> Iterator[bytes]:
    if not drip:
        yield body
        return
    for place in range(len(body)):
        time.sleep(drip)
        yield body[place : place + 1]


@contextmanager
def running() -> Iterator[Server]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shared = Server(f"http://127.0.0.1:{server.server_address[1]}", {})
    server.RequestHandlerClass = type("Bound", (Handler,), {"shared": shared})
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield shared
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
