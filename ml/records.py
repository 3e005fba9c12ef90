"""What is installed: one folder per model, with its weights and a record of where they came from.

A folder counts only with its record, which is written last; size and time of the weights are
compared at every look, their sha256 only when those differ, when they are loaded and by `verify`.
"""

import functools
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ml.errors import ModelUnavailable
from ml.spec import ModelSpec

State = Literal["installed", "missing", "corrupt"]

RECORD = "record.json"
CONVERTED = "weights.safetensors"
BUNDLE = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that weights were made from."""

    file: str
    sha256: str
    bytes: int
    source: str  # where it was fetched from; "" for a file that somebody had
    published: bool  # it has the sha256 that its publisher gives


@dataclass(frozen=True, slots=True)
class Record:
    files: tuple[Origin, ...]
    sha256: str  # of the file in the model's folder, as the next two
    bytes: int
    modified: int  # ns
    added: str  # ISO 8601


def home(spec: ModelSpec, folder: Path) -> Path:
    """The folder of a model's weights."""
    return folder / spec.name


def bundled(spec: ModelSpec, folder: Path) -> bool:
    """Whether the weights that came with the source are the ones in use."""
    return spec.bundled and not (home(spec, folder) / RECORD).exists()


def kept_as(spec: ModelSpec) -> str:
    """Name of the file that holds a model's weights in its folder."""
    return CONVERTED if spec.network else f"weights{Path(spec.weights.file).suffix}"


def path(spec: ModelSpec, folder: Path) -> Path:
    """The file that holds a model's weights, be it there or not."""
    if bundled(spec, folder):
        return BUNDLE / spec.weights.file
    return home(spec, folder) / kept_as(spec)


def read(place: Path) -> Record | None:
    """The record in a model's folder; None where there is none. Raises ValueError if it makes no
    sense.
    """
    try:
        text = (place / RECORD).read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ValueError(error.strerror) from error
    try:
        held = json.loads(text)
        files = tuple(origin(entry) for entry in held["files"])
        return Record(
            files,
            str(held["sha256"]),
            int(held["bytes"]),
            int(held["modified"]),
            str(held["added"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{RECORD}: {error}") from error


def origin(entry: Mapping[str, Any]) -> Origin:
    return Origin(
        str(entry["file"]),
        str(entry["sha256"]),
        int(entry["bytes"]),
        str(entry["source"]),
        bool(entry["published"]),
    )


def write(place: Path, record: Record) -> None:
    unfinished = place / f"{RECORD}.new"
    unfinished.write_text(json.dumps(asdict(record), indent=1) + "\n")
    unfinished.replace(place / RECORD)


def describe(weights: Path, files: Sequence[Origin] = ()) -> Record:
    """The record of weights that were made from `files` and are on the disk for good."""
    with weights.open("rb") as file:
        os.fsync(file.fileno())
    stat, now = weights.stat(), datetime.now(UTC).isoformat(timespec="seconds")
    return Record(tuple(files), sha256(weights), stat.st_size, stat.st_mtime_ns, now)


def state(spec: ModelSpec, folder: Path) -> State:
    """Whether the weights are there, and still those that were taken in. Cheap: for every page."""
    file = path(spec, folder)
    try:
        record = None if bundled(spec, folder) else read(home(spec, folder))
        if record is None and not spec.bundled:
            return "missing"
        stat = file.stat()
    except (OSError, ValueError) as error:
        gone = isinstance(error, FileNotFoundError) and bundled(spec, folder)
        return "missing" if gone else "corrupt"
    if record and stat.st_size != record.bytes:
        return "corrupt"
    if record and stat.st_mtime_ns == record.modified:
        return "installed"
    wanted = record.sha256 if record else spec.weights.sha256
    found = digest(file, stat.st_size, stat.st_mtime_ns)
    return "installed" if found == wanted else "corrupt"


def check(spec: ModelSpec, folder: Path) -> State:
    """The state by reading every byte. A file that was only copied or touched gets its new time
    into the record.
    """
    found = state(spec, folder)
    if found != "installed":
        return found
    record = None if bundled(spec, folder) else read(home(spec, folder))
    file = path(spec, folder)
    if sha256(file) != (record.sha256 if record else spec.weights.sha256):
        return "corrupt"
    modified = file.stat().st_mtime_ns
    if record and record.modified != modified:
        write(home(spec, folder), replace(record, modified=modified))
    return "installed"


def trusted(spec: ModelSpec, place: Path) -> Path:
    """The weights in a model's folder, after reading every byte. Raises ModelUnavailable."""
    file = place / kept_as(spec)
    try:
        record = read(place)
        if record and sha256(file) == record.sha256:
            return file
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{spec.name}: {error}", {"title": spec.title}) from error
    raise ModelUnavailable(f"{spec.name}: not what was installed", {"title": spec.title})


def place(spec: ModelSpec, folder: Path) -> Path:
    """What a back end loads: the folder of converted weights (engines read and check them there),
    or the checked file. Raises ModelUnavailable.
    """
    if spec.network:
        return home(spec, folder)
    if bundled(spec, folder):
        return path(spec, folder)  # its state is its checksum
    return trusted(spec, home(spec, folder))


def checksum(spec: ModelSpec, folder: Path) -> str:
    """sha256 of the file that installed weights were made from: what a measurement was taken of."""
    record = None if bundled(spec, folder) else read(home(spec, folder))
    return record.files[0].sha256 if record and record.files else spec.weights.sha256


def stamp(name: str, folder: Path) -> int:
    """A number that changes whenever other weights of a model are installed."""
    try:
        return (folder / name / RECORD).stat().st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=64)
def digest(file: Path, size: int, modified: int) -> str:
    """sha256 of a file; asked again only if its size or time changed."""
    return sha256(file)


def sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
