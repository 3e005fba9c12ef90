"""`manage.py work` as a process of its own, on the database of the tests."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

PATIENCE = 40.0  # seconds


def database_url() -> str:
    """The database that this test runs on, as another process opens it."""
    found = {key: quote(str(value), safe="/") for key, value in connection.settings_dict.items()}
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    login = f"{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}"
    return f"postgres://{login}/{found['NAME']}"


def wait_until(condition: Callable[[], bool], within: float = PATIENCE) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


class Work:
    """One worker; `mark` in its environment finds all of its processes."""

    def __init__(self) -> None:
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115  closed in close()
        self.mark = f"WORK_TEST={id(self)}-{os.getpid()}"
        name, _, value = self.mark.partition("=")
        environment = {**os.environ, "COLORIA_DATABASE_URL": database_url(), name: value}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "work"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=self.log,
            stderr=self.log,
        )

    def processes(self) -> dict[int, str]:
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(entry.name)] = command
            except OSError:
                continue  # ended meanwhile, or somebody else's
        return found

    def model_hosts(self) -> list[int]:
        return [pid for pid, command in self.processes().items() if "spawn_main" in command]

    def worker(self) -> int:
        """The process that runs jobs: the parent of the model host."""
        (host,) = self.model_hosts()
        return int(Path(f"/proc/{host}/stat").read_text().rsplit(")", 1)[1].split()[1])

    def stop(self, number: int = signal.SIGTERM, within: float = 9.0) -> None:
        """Ask it to end and wait until no process of it is left."""
        self.process.send_signal(number)
        self.process.wait(within)
        wait_until(lambda: not self.processes(), 2.0)

    def close(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read()
