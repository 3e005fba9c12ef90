"""`manage.py up` (make up): one command starts the site and a worker, and leaves nothing behind."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.servers import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")
PATIENCE = 60.0  # seconds
REAL = {"DJANGO_SETTINGS_MODULE": "coloria.settings"}


class Site:
    """One `manage.py up` with a run-time folder of its own, by which its processes are found."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder, self.port = folder, free_port()
        self.log = folder / "up.log"
        environment = {**os.environ, **REAL, "COLORIA_VAR": str(folder / "var"), **variables}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port)],
                cwd=settings.BASE_DIR,
                env=environment,
                stdout=output,
                stderr=output,
            )

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def processes(self) -> dict[int, str]:
        """The commands of all living processes that have our folder in their environment."""
        mark = f"COLORIA_VAR={self.folder / 'var'}".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(entry.name)] = command.decode()
            except (OSError, ProcessLookupError):
                continue  # ended meanwhile, or somebody else's
        return found

    def gone(self, within: float) -> bool:
        deadline = time.monotonic() + within
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        return not self.processes()

    def one(self, words: str) -> int:
        """The eldest process whose command has these words; waits until there is one."""
        deadline = time.monotonic() + PATIENCE
        while not (found := [pid for pid, line in self.processes().items() if words in line]):
            assert time.monotonic() < deadline, f"no {words}: {self.processes()}"
            time.sleep(0.1)
        return min(found)


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    started = Site(tmp_path, **getattr(request, "param", {}))
    yield started
    for pid in started.processes():
        os.kill(pid, signal.SIGKILL)
    started.process.wait()


def test_it_serves_the_page_and_runs_a_worker(site: Site) -> None:
    site.wait_for(f"http://127.0.0.1:{site.port}/")
    with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/") as answer:
        assert answer.status == 200
    assert site.one("manage.py work")


@pytest.mark.parametrize("site", [{"COLORIA_HTTPS": "true"}], indirect=True)
def test_behind_a_proxy_that_ends_tls_the_page_is_not_redirected_for_ever(site: Site) -> None:
    site.wait_for("Ctrl-C")
    address = f"http://127.0.0.1:{site.port}/"
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    with urllib.request.urlopen(urllib.request.Request(address, headers=forwarded)) as answer:
        assert (answer.status, answer.url) == (200, address)
    (log,) = (site.folder / "var/log").glob("requests-*.log")
    line = json.loads(log.read_text().splitlines()[-1])
    assert (line["ip"], line["url"], line["status"]) == ("203.0.113.9", "/", 200)


@pytest.mark.parametrize("site", [{"COLORIA_MAX_MEGABYTES": "1"}], indirect=True)
def test_a_huge_request_is_refused_unread_and_others_arrive_in_our_folder(site: Site) -> None:
    site.wait_for("Ctrl-C")
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    connection.request("POST", "/upload", headers={"Content-Length": str(10 * 2**20 + 1)})
    assert connection.getresponse().status == 413
    connection.close()
    environment = Path(f"/proc/{site.one('waitress')}/environ").read_bytes().split(b"\0")
    assert f"TMPDIR={site.folder / 'var/incoming'}".encode() in environment


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_no_process_behind_when_asked_to_stop(site: Site, number: signal.Signals) -> None:
    site.wait_for("Ctrl-C")
    site.process.send_signal(number)
    assert site.process.wait(timeout=30) == 0
    assert site.gone(within=0)


def test_it_leaves_no_process_behind_when_killed(site: Site) -> None:
    site.wait_for("Ctrl-C")
    site.process.kill()
    site.process.wait()
    assert site.gone(within=20), site.processes()


@pytest.mark.parametrize("child", ["waitress", "manage.py work"])
def test_it_fails_loudly_when_a_child_dies(site: Site, child: str) -> None:
    site.wait_for("Ctrl-C")
    os.kill(site.one(child), signal.SIGKILL)
    assert site.process.wait(timeout=30) == 1
    assert "ended with exit status -9" in site.log.read_text()
    assert site.gone(within=0)


def test_a_busy_port_is_named_with_the_command_that_helps(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=settings.BASE_DIR,
            env={**os.environ, **REAL, "COLORIA_VAR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in ran.stderr
    assert f"make up PORT={port + 1}" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
