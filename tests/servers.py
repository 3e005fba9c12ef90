"""Real PostgreSQL and Redis for tests: on loopback, in a folder that vanishes, never as root.

Where a server is not installed the test is skipped, and the reason says how to get it.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

DEBIAN = {"postgres": "postgresql", "initdb": "postgresql", "redis-server": "redis-server"}
DEBIAN |= {"openssl": "openssl", "node": "nodejs"}
PATIENCE = 60.0  # seconds until a server must answer


def program(name: str) -> str:
    """The path of a program; Debian keeps PostgreSQL's out of PATH. Skips the test without it."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = str(places[0]) if places else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt install {DEBIAN[name]}")
    return found


def unprivileged() -> int | None:
    """Whom to run a server as: nobody if we are root (PostgreSQL refuses root), else ourselves."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def folder() -> Iterator[Path]:
    """A private temporary folder that belongs to the server's user."""
    with tempfile.TemporaryDirectory(prefix="coloria-test-") as name:
        user = unprivileged()
        if user is not None:
            os.chown(name, user, -1)
        yield Path(name)


@contextmanager
def running(arguments: list[str], port: int, place: Path) -> Iterator[None]:
    """A server process that answers on `port`, and is gone afterwards."""
    log = place.with_name(f"{place.name}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, cwd=place, stdout=output, stderr=output, user=unprivileged()
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(
                    f"{arguments[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}"
                )
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.unlink()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty database, as COLORIA_DATABASE_URL takes it."""
    server, initdb = program("postgres"), program("initdb")
    port, password = free_port(), secrets.token_hex(8)
    with folder() as place:
        secret = place / "password"
        secret.write_text(password)
        secret.chmod(0o644)  # in a folder of mode 0700
        cluster = str(place / "cluster")
        make = [initdb, "-D", cluster, "-U", "coloria", "-A", "scram-sha-256", "--no-sync"]
        make += ["--encoding=UTF8", "--locale=C", f"--pwfile={secret}"]
        subprocess.run(make, check=True, capture_output=True, cwd=place, user=unprivileged())
        serve = [server, "-D", cluster, "-p", str(port), "-k", str(place)]
        serve += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with running(serve, port, place):
            yield f"postgres://coloria:{password}@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """The URL of an empty Redis that keeps nothing on disk."""
    server, port, password = program("redis-server"), free_port(), secrets.token_hex(8)
    with folder() as place:
        serve = [server, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(place)]
        serve += ["--save", "", "--appendonly", "no", "--requirepass", password]
        with running(serve, port, place):
            yield f"redis://:{password}@127.0.0.1:{port}/0"


def repeat_on(url: str, tests: list[str]) -> None:
    """Run tests once more in a process of its own whose database is at `url`."""
    repeat(tests, COLORIA_DATABASE_URL=url)


def repeat(tests: list[str], **variables: str) -> None:
    """Run tests once more in a process of its own with these variables; raises AssertionError with
    what failed.
    """
    environment = {name: value for name, value in os.environ.items() if name != "COLORIA_VAR"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *tests],
        cwd=settings.BASE_DIR,
        env={**environment, **variables},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
