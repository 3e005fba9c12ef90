"""Weights taken in and thrown out: read strictly, converted, and in place by one rename.

Everything unfinished lies in .work/<model>, which one command at a time may use.
"""

import errno
import fcntl
import importlib
import importlib.util
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ml import fetching, records
from ml.errors import ModelUnavailable, WeightsError
from ml.images import Photograph
from ml.records import Origin, Record
from ml.replies import USUAL, Pace
from ml.spec import ModelSpec, Settings, Weights

TRIAL = 64  # pixels, both sides of the photo that new weights have to colour


def add(spec: ModelSpec, paths: Sequence[Path], folder: Path) -> Record:
    """Install weights from files of the model's project, in any order. They may be anybody's: the
    record says whether they are the published ones.

    Raises WeightsError, and then nothing has changed.
    """
    require(spec, paths)
    with locked(spec, folder) as work:
        try:
            record = install(spec, [(path, "") for path in paths], folder, work)
        except ModelUnavailable as error:
            raise WeightsError(f"{error.reason}. Nothing was changed.") from error
        shutil.rmtree(downloads(spec, folder), ignore_errors=True)  # no longer wanted
        return record


def fetch(spec: ModelSpec, folder: Path, pace: Pace = USUAL) -> Record:
    """Install weights from their publisher. Raises WeightsError; what came so far is kept."""
    if not spec.weights.urls:
        raise WeightsError(f"No server has the weights of {spec.name}. {by_hand(spec)}")
    require(spec, [])
    with locked(spec, folder) as work:
        kept = downloads(spec, folder)
        try:
            files = [fetching.download(file, kept, pace) for file in published(spec)]
            record = install(spec, [(file.path, file.url) for file in files], folder, work)
        except ModelUnavailable as error:
            shutil.rmtree(kept)
            raise WeightsError(f"{error.reason}. {by_hand(spec)}") from error
        except WeightsError as error:
            raise WeightsError(f"{error} {by_hand(spec)}") from error
        shutil.rmtree(kept)
        return record


def remove(spec: ModelSpec, folder: Path) -> None:
    """Throw out a model's weights and what was downloaded of them. Raises WeightsError."""
    home = records.home(spec, folder)
    with locked(spec, folder) as work:
        left = [place for place in (home, downloads(spec, folder)) if place.exists()]
        if not left:
            stays = "comes with COLORIA and stays" if spec.bundled else "is not installed"
            raise WeightsError(f"{spec.name} {stays}.")
        for place in left:
            gone = place.rename(fresh(work / "gone") / place.name)  # never half of it in its place
            shutil.rmtree(gone)


def published(spec: ModelSpec) -> list[Weights]:
    """The files of a model, in the order of its reader."""
    return [weights for weights in (spec.weights, spec.more) if weights]


def workplace(spec: ModelSpec, folder: Path) -> Path:
    return folder / ".work" / spec.name


def downloads(spec: ModelSpec, folder: Path) -> Path:
    """Where interrupted downloads of a model wait."""
    return workplace(spec, folder) / "downloads"


def by_hand(spec: ModelSpec) -> str:
    files = [weights.file for weights in published(spec)]
    return (
        f"Get {' and '.join(files)} yourself and run: "
        f"python manage.py weights add {spec.name} {' '.join(files)}"
    )


def require(spec: ModelSpec, paths: Sequence[Path]) -> None:
    """Raises WeightsError if there are too many files, one is none, or no framework reads them."""
    most = len(published(spec))
    if len(paths) > most:
        raise WeightsError(f"{spec.name} takes {most} file{'s' * (most > 1)}, not {len(paths)}.")
    for path in paths:
        if not path.is_file():
            raise WeightsError(f"{path} is not a file.")
    if spec.network and not all(map(importlib.util.find_spec, ("torch", "safetensors"))):
        raise WeightsError("Torch, which reads these weights, is not installed: run make full.")


def install(spec: ModelSpec, files: Sequence[tuple[Path, str]], folder: Path, work: Path) -> Record:
    """Put weights made of `files`, with where each came from, into the model's folder.

    Raises ModelUnavailable if the files do not fit.
    """
    new, sources = fresh(work / "new"), dict(files)
    sums = {path: records.sha256(path) for path in sources}
    target = new / records.kept_as(spec)
    try:
        order = take(spec, [path for path, _ in files], sums, target)
        origins = [
            Origin(
                weights.file if sources[path] else path.name,
                sums[path],
                path.stat().st_size,
                sources[path],
                bool(weights.sha256) and sums[path].startswith(weights.sha256),
            )
            for weights, path in zip(published(spec), order, strict=False)
        ]
        record = records.describe(target, origins)
        records.write(new, record)
        if spec.network:
            attempt(spec, new, files[0][0].name)
        swap(records.home(spec, folder), new, work)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return record


def take(
    spec: ModelSpec, paths: Sequence[Path], sums: dict[Path, str], target: Path
) -> Sequence[Path]:
    """Write what `paths` hold to `target`: the paths in the order that the reader wants. Raises
    ModelUnavailable.
    """
    if not spec.network:
        shutil.copyfile(paths[0], target)
        attempt(spec, target, paths[0].name)
        return paths
    refusals = []
    for order in orders(spec, paths):
        try:
            conversion = importlib.import_module("ml.backends.conversion")
            conversion.convert(spec, order, target, {path.name: sums[path] for path in order})
            return order
        except ModuleNotFoundError as error:
            raise WeightsError(f"{error.name} is not installed: run make full.") from error
        except ModelUnavailable as error:
            refusals.append(error)
    raise refusals[0]


def orders(spec: ModelSpec, paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    """Two files have a name each in their project; what they hold decides."""
    swapped = spec.more is not None and paths[0].name == spec.more.file
    yield paths[::-1] if swapped else paths
    if len(paths) > 1:
        yield paths if swapped else paths[::-1]


def attempt(spec: ModelSpec, path: Path, name: str) -> None:
    """Have new weights colour a small photo, which also writes what the engine keeps beside them.
    Raises ModelUnavailable.
    """
    module, _, function = spec.backend.partition(":")
    ramp = np.tile(np.linspace(0, 255, TRIAL).astype(np.uint8), (TRIAL, 1))
    try:
        colorizer = getattr(importlib.import_module(module), function)(spec, path, "cpu")
        with np.errstate(invalid="raise"):
            colorizer.colorize(Photograph(ramp, None, "PNG"), Settings(render_factor=7))
    except (RuntimeError, ValueError, LookupError, ArithmeticError) as error:
        reason = f"{name}: does not colour a photo ({str(error).splitlines()[0]})"
        raise ModelUnavailable(reason, {"title": spec.title}) from error


def swap(home: Path, new: Path, work: Path) -> None:
    """Put `new` in the place of `home`, which `locked` brings back if this is cut short."""
    if home.exists():
        home.rename(work / "old")
    new.rename(home)
    shutil.rmtree(work / "old", ignore_errors=True)


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


@contextmanager
def locked(spec: ModelSpec, folder: Path) -> Iterator[Path]:
    """The model's folder for unfinished work, for this command alone. Raises WeightsError, also for
    what the disk refuses meanwhile.
    """
    work = workplace(spec, folder)
    try:
        work.mkdir(parents=True, exist_ok=True)
        with (work / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise WeightsError(
                    f"Another command is at work on {spec.name}: wait until it has ended."
                ) from None
            recover(records.home(spec, folder), work)
            try:
                yield work
            finally:
                recover(records.home(spec, folder), work)
    except OSError as error:
        raise WeightsError(complaint(error, folder)) from error


def recover(home: Path, work: Path) -> None:
    """Bring back the weights that a replacement which did not end had put aside."""
    old = work / "old"
    if old.exists() and not home.exists():
        old.rename(home)
    shutil.rmtree(old, ignore_errors=True)


def complaint(error: OSError, folder: Path) -> str:
    """One sentence on what the disk refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} is full: make room and run this again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename or folder} may not be read or written: see who owns it."
    return f"{error.filename or folder}: {error.strerror or error}."
