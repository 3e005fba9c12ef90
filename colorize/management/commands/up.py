"""`manage.py up`: the site and one worker together, until Ctrl-C; no process outlives it."""

import os
import signal
import socket
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from colorize.management.children import Child, adopt_orphans, descendants

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE = 10.0  # seconds between asking the children to stop and killing what is left
READY = 60.0  # seconds that the web server may take until it answers
TICK = 0.1  # seconds between two looks at the children


def require_free(host: str, port: int) -> None:
    """Bind the port once and let it go. Raises CommandError with what to do about a busy one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"{host}:{port} cannot be used ({os.strerror(error.errno or 0).lower()}). "
                f"Choose another port: make up PORT={port + 1}"
            ) from error


def server_options() -> list[str]:
    """What waitress must know of the settings. It keeps a request's body before Django looks at it,
    and drops X-Forwarded-* of whom it does not trust.
    """
    most = 2 * settings.COLORIA_MAX_FILES * settings.COLORIA_MAX_MEGABYTES * 2**20
    bounds = [f"--max-request-body-size={most}", "--asyncore-use-poll"]
    if not settings.HTTPS:
        return bounds
    return [
        *bounds,
        f"--trusted-proxy={settings.PROXY}",
        "--trusted-proxy-headers=x-forwarded-proto x-forwarded-for",
    ]


class Command(BaseCommand):
    help = "Run the site and one worker until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--threads", type=int, default=8, help="of the web server")

    def handle(self, *args: Any, host: str, port: int, threads: int, **options: Any) -> None:
        self.signals = 0
        for number in STOPPING:
            signal.signal(number, self.count_signal)
        require_free(host, port)
        call_command("migrate", interactive=False, verbosity=0)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        adopt_orphans()
        children: list[Child] = []
        try:
            server = [f"--listen={address}", f"--threads={threads}", *server_options()]
            waitress = ["-m", "waitress", *server, "coloria.wsgi:application"]
            arriving = {"TMPDIR": str(settings.FILE_UPLOAD_TEMP_DIR)}  # photos lie nowhere else
            self.start(children, "web server", waitress, arriving)
            # The page first: on two cores both together would each take longer.
            self.wait_for_answer(host, port, children)
            self.start(children, "worker", ["manage.py", "work"])
            if not self.signals:
                self.stdout.write(self.style.SUCCESS(f"COLORIA runs at http://{address}/"))
                self.stdout.write("The worker runs beside it. Ctrl-C stops both.")
                self.stdout.flush()
            self.watch(children)
        finally:
            self.stop(children)
        self.stdout.write("COLORIA has stopped.")

    def count_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1

    def start(
        self,
        children: list[Child],
        title: str,
        arguments: list[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        if not self.signals:
            children.append(Child.start(title, arguments, environment))

    def wait_for_answer(self, host: str, port: int, children: list[Child]) -> None:
        """Return when the web server accepts connections or a signal came. Raises CommandError."""
        deadline = time.monotonic() + READY
        while not self.signals:
            self.require_alive(children)
            with suppress(OSError), socket.create_connection((host, port), timeout=1):
                return
            if time.monotonic() > deadline:
                raise CommandError(f"The web server did not answer within {READY:.0f} seconds.")
            time.sleep(TICK)

    def watch(self, children: list[Child]) -> None:
        while not self.signals:
            self.require_alive(children)
            time.sleep(TICK)

    def require_alive(self, children: list[Child]) -> None:
        for child in children:
            if child.ended():
                raise CommandError(
                    f"The {child.title} ended with exit status {child.process.returncode}; "
                    "everything else is stopped with it."
                )

    def stop(self, children: list[Child]) -> None:
        """Ask, wait, then kill what is left. A second Ctrl-C ends the waiting."""
        asked, deadline = self.signals, time.monotonic() + GRACE
        for child in children:
            child.ask()
        while not all(child.ended() for child in children) or descendants():
            if self.signals > max(asked, 1) or time.monotonic() > deadline:
                break
            time.sleep(TICK)
        for child in children:
            child.kill()
        while left := descendants():  # orphans with groups of their own
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(TICK / 10)
