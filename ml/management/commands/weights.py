"""`manage.py weights`: what is installed, and how it gets there."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ml import fetching, installing, records, registry
from ml.errors import UnknownModel, WeightsError
from ml.records import Record
from ml.spec import ModelSpec

INTERRUPTED = 130  # the shell's code for Ctrl-C


class Command(BaseCommand):
    help = "List, fetch, add, verify and remove the weights of the models."
    requires_system_checks = []  # weights can be installed before anything else is

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("list", help="every model, its state and the command that mends it")
        fetch = actions.add_parser("fetch", help="download from the publisher and install")
        add = actions.add_parser("add", help="install from a file that you have")
        verify = actions.add_parser("verify", help="read every byte of what is installed")
        remove = actions.add_parser("remove", help="throw out what is installed")
        for action in (fetch, add, remove):
            action.add_argument("name", metavar="NAME")
        add.add_argument("files", nargs="+", type=Path, metavar="FILE")
        verify.add_argument("name", nargs="?", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.COLORIA_WEIGHTS)
        action, name = options["action"], options.get("name")
        try:
            spec = registry.get(name) if name else None
            if action == "list":
                self.show(folder)
            elif action == "verify":
                self.verify(folder, [spec] if spec else [*registry.MODELS.values()])
            elif spec:
                self.change(action, spec, folder, options.get("files", []))
        except UnknownModel as error:
            names = ", ".join(registry.MODELS)
            raise CommandError(f"{name} is not a model. The models are: {names}.") from error
        except WeightsError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(installing.complaint(error, folder)) from error
        except KeyboardInterrupt:
            kept = f" What came so far is kept; to go on: python manage.py weights fetch {name}"
            message = f"Stopped.{kept if action == 'fetch' else ' Nothing was changed.'}"
            raise CommandError(message, returncode=INTERRUPTED) from None

    def show(self, folder: Path) -> None:
        for spec in registry.MODELS.values():
            state = registry.state(spec, folder)
            style = self.style.SUCCESS if state == "installed" else self.style.WARNING
            self.stdout.write(
                f"{spec.name:<17} {style(f'{state:<10}')} {size(spec, folder):>7}  "
                f"{spec.weights.licence:<12} {checked(spec, folder)}".rstrip()
            )
            if state != "installed":
                self.stdout.write(f"{'':<17} -> {registry.remedy(spec, folder)}")

    def change(self, action: str, spec: ModelSpec, folder: Path, files: list[Path]) -> None:
        if action == "remove":
            installing.remove(spec, folder)
            state = "the one that comes with COLORIA is back" if spec.bundled else "removed"
            self.stdout.write(f"{spec.name}: {state}")
            return
        if action == "fetch" and registry.state(spec, folder) == "installed":
            self.stdout.write(f"{spec.name} is installed already")
            return
        fetch = action == "fetch"
        record = installing.fetch(spec, folder) if fetch else installing.add(spec, files, folder)
        for file in record.files:
            self.stdout.write(f"{file.file}  {size_of(file.bytes)}  sha256 {file.sha256}")
        self.stdout.write(self.style.SUCCESS(f"{spec.name}: installed, {origin(spec, record)}"))

    def verify(self, folder: Path, specs: list[ModelSpec]) -> None:
        """Raises CommandError if weights are corrupt, or those asked for by name are missing."""
        faults = 0
        for spec in specs:
            state = records.check(spec, folder)
            if state == "missing" and len(specs) > 1:
                continue
            self.stdout.write(f"{spec.name}: {state}")
            if state != "installed":
                faults += 1
                self.stdout.write(f"  -> {registry.remedy(spec, folder)}")
        if faults:
            raise CommandError(f"{faults} not as installed", returncode=1)


def size(spec: ModelSpec, folder: Path) -> str:
    """Of the weights that are there, else of what would be fetched."""
    path = records.path(spec, folder)
    if path.is_file():
        return size_of(path.stat().st_size)
    megabytes = sum(weights.megabytes for weights in installing.published(spec))
    return f"{megabytes} MB" if megabytes else ""


def size_of(count: int) -> str:
    return f"{count / fetching.MEGABYTE:.0f} MB" if count >= fetching.MEGABYTE else f"{count} B"


def checked(spec: ModelSpec, folder: Path) -> str:
    """What the weights' checksum was compared with; of missing ones, what it would be."""
    if records.bundled(spec, folder):
        return "sha256 published"
    try:
        record = records.read(records.home(spec, folder))
    except ValueError:
        return ""
    if record:
        return origin(spec, record)
    waiting = fetching.begun(spec.weights, installing.downloads(spec, folder))
    if waiting:
        return f"{size_of(waiting)} fetched so far"
    if not spec.weights.urls:
        return ""
    return "sha256 published" if spec.weights.sha256 else "sha256 recorded at first fetch"


def origin(spec: ModelSpec, record: Record) -> str:
    """How far the record vouches for the files."""
    expected = zip(installing.published(spec), record.files, strict=False)
    if any(weights.sha256 and not file.published for weights, file in expected):
        return "not the published file"
    if all(file.published for file in record.files):
        return "sha256 published"
    fetched = any(file.source for file in record.files)
    return f"sha256 recorded {'at first fetch' if fetched else 'when added'}"
