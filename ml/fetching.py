"""Weights from their publishers' servers: bounded, resumed, and trusted by their sha256.

Every source of a file has a folder of its own, where an interrupted download waits as FILE.part.
"""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from tqdm import tqdm

from ml.errors import WeightsError
from ml.records import sha256
from ml.replies import (
    USUAL,
    Interrupted,
    Pace,
    SourceFailed,
    Version,
    ask,
    blocks,
    is_page,
    page,
    version,
)
from ml.spec import Weights

MEGABYTE = 1_000_000
TRIES = 5  # of a source whose transfer breaks off, as long as it gets further
LARGER, SMALLER = 1.25, 0.5  # bounds of a file's size, as shares of the announced one
HEAD = 64_000  # bytes that tell what a web page is about
ABOUT = "source.json"


@dataclass(frozen=True, slots=True)
class Fetched:
    path: Path
    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """A file on its way: FILE.part, and the version it is of. It becomes FILE when complete."""

    folder: Path
    file: str

    @property
    def path(self) -> Path:
        return self.folder / f"{self.file}.part"

    @property
    def whole(self) -> Path:
        return self.folder / self.file

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self) -> Version:
        try:
            held = json.loads((self.folder / ABOUT).read_text())
            return Version(str(held["tag"]), int(held["total"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return Version()

    def begin(self, version: Version) -> None:
        self.path.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ABOUT).write_text(json.dumps(asdict(version)))

    def drop(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def download(weights: Weights, folder: Path, pace: Pace = USUAL) -> Fetched:
    """The file, from the first of its sources that gives it; what an earlier attempt left in
    `folder` is gone on with.

    Raises WeightsError with what each source did, OSError if the disk refuses.
    """
    faults = []
    for part, url in parts(weights, folder):
        try:
            persist(url, part, weights, pace)
            return Fetched(part.whole, url, checked(part, weights))
        except SourceFailed as error:
            faults.append(f"{urlsplit(url).hostname} {error}")
    raise WeightsError(f"{weights.file} could not be fetched: {'; '.join(faults)}.")


def parts(weights: Weights, folder: Path) -> list[tuple[Part, str]]:
    """A place for each source of a file, and the source."""
    names = [hashlib.sha256(url.encode()).hexdigest()[:8] for url in weights.urls]
    return [
        (Part(folder / name, weights.file), url)
        for name, url in zip(names, weights.urls, strict=True)
    ]


def begun(weights: Weights, folder: Path) -> int:
    """Bytes that are there of a file that was not fetched to its end."""
    return max((part.size() for part, _ in parts(weights, folder)), default=0)


def persist(url: str, part: Part, weights: Weights, pace: Pace) -> None:
    """Fetch a file to its end, over interruptions as long as each try gets further."""
    for left in reversed(range(TRIES)):
        before = part.size()
        try:
            if not part.whole.exists():
                attempt(url, part, weights, pace)
            return
        except Interrupted:
            if not left or part.size() <= before:
                raise


def attempt(url: str, part: Part, weights: Weights, pace: Pace) -> None:
    have, total = part.size(), part.version().total
    if have and have == total:  # ended between its last byte and its new name
        return finish(part, total, weights)
    reply, have = ask(url, have, part.version(), pace)
    with reply:
        if not have:
            refuse_large(reply.length or 0, weights)
            part.begin(version(reply))
        total = part.version().total
        make_room(part.folder, total - have)
        with part.path.open("ab") as file:
            receive(reply, file, total, weights, pace)
    finish(part, total, weights)


def receive(reply: HTTPResponse, file: BinaryIO, total: int, weights: Weights, pace: Pace) -> None:
    """Append a reply's body to a file that shall have `total` bytes, 0 if nobody knows."""
    have, most = file.tell(), largest(weights)
    with tqdm(
        desc=weights.file,
        initial=have,
        total=total or None,
        unit="B",
        unit_scale=True,
        disable=None,  # shown on a terminal only
    ) as bar:
        for block in blocks(reply, (total or most + 1) - have, pace):
            file.write(block)
            bar.update(len(block))
            if file.tell() == len(block) and is_page(block):
                break  # no need to see the rest


def finish(part: Part, total: int, weights: Weights) -> None:
    """Take a file whose transfer ended for complete, or say what is wrong with it."""
    size = part.size()
    with part.path.open("rb") as file:
        start = file.read(HEAD)
    if is_page(start):
        part.drop()
        raise page(start)
    if size < total:
        raise Interrupted(f"broke off after {shown(size)} of {shown(total)}")
    if not least(weights) <= size <= largest(weights):
        part.drop()
        bound = "at least" if size > largest(weights) else "only"
        raise SourceFailed(f"sent {bound} {amount(size, weights)}")
    part.path.replace(part.whole)


def checked(part: Part, weights: Weights) -> str:
    """sha256 of a complete download. One that is not the published file is thrown away."""
    found = sha256(part.whole)
    if not found.startswith(weights.sha256):
        part.drop()
        raise SourceFailed(
            f"sent another file than the published one (its sha256 begins {found[:8]}, "
            f"the published one {weights.sha256[:8]})"
        )
    return found


def refuse_large(total: int, weights: Weights) -> None:
    if total > largest(weights):
        raise SourceFailed(f"offers {amount(total, weights)}")


def make_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WeightsError(
            f"{shown(needed)} are to come, but only {shown(free)} are free: make room in {folder}."
        )


def largest(weights: Weights) -> int:
    return int(weights.megabytes * MEGABYTE * LARGER)


def least(weights: Weights) -> int:
    return int(weights.megabytes * MEGABYTE * SMALLER)


def amount(size: int, weights: Weights) -> str:
    return f"{shown(size)} where {weights.megabytes} MB were expected"


def shown(size: int) -> str:
    return f"{size / MEGABYTE:.1f} MB"
