"""Child processes that never outlive their parent: own groups, and help from the Linux kernel."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)


def follow_parent() -> Callable[[], None] | None:
    """What a child calls before exec: on Linux it is then told when its parent is killed."""
    if not LINUX:
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def follow() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed between fork and prctl
            os._exit(1)

    return follow


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose own parent is killed, so that they can be found."""
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def descendants() -> set[int]:
    """Every living process below this one, whatever its group. Linux only; elsewhere empty."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents[int(entry.parent.name)] = int(parent)
    found, fresh = set[int](), {os.getpid()}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


@dataclass(frozen=True, slots=True)
class Child:
    """One process in a group of its own: a Ctrl-C in the terminal reaches only the parent."""

    title: str
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, title: str, arguments: list[str], environment: Mapping[str, str] | None = None
    ) -> "Child":
        """Run this Python with `arguments` in the project's folder; `environment` is added."""
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=follow_parent(),  # safe: forked from the main thread, and it takes no lock
        )
        return cls(title, process)

    def ended(self) -> bool:
        return self.process.poll() is not None

    def ask(self) -> None:
        """SIGTERM to the child alone: a master that loses its own children starts new ones."""
        if not self.ended():
            self.process.terminate()

    def kill(self) -> None:
        """End whatever is left of the group, its dead leader's children included."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
