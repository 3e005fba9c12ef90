"""The photos of an evaluation: found, identified, made grey, and with points of their colour
revealed.
"""

import functools
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compose import encode, luminance
from ml.images import Photograph, downscaled, open_photo
from ml.spec import Hint

LONG_SIDE = 512
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
KEPT = 128  # reduced photos, 0.6 MB each, that wait in memory for the next model
REACH = 2  # pixels around a revealed point whose mean colour is told


@dataclass(frozen=True, slots=True)
class Truth:
    """A photo whose colour is known: sRGB (H, W, 3) uint8, and what a model gets to see of it."""

    rgb: NDArray[np.uint8]
    grey: Photograph


def photos(folder: Path, limit: int | None = None) -> list[Path]:
    """The photos below `folder` by name. Raises FileNotFoundError if there is none."""
    named = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    found = sorted(path for path in named if path.is_file())[:limit]  # a link may lead nowhere
    if not found:
        raise FileNotFoundError(f"no photos below {folder}")
    return found


def names(paths: Sequence[Path]) -> list[str]:
    """What a report calls the photos: their paths below the folder that holds all of them."""
    shared = Path(os.path.commonpath([path.parent for path in paths]))
    return [path.relative_to(shared).as_posix() for path in paths]


@functools.lru_cache(maxsize=4096)
def digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def set_hash(paths: Iterable[Path]) -> str:
    """sha256 over the photos' own hashes, in order: equal for equal sets wherever they lie."""
    total = hashlib.sha256()
    for path in paths:
        total.update(digest(path))
    return total.hexdigest()


def grey_of(truth: Photograph) -> Photograph:
    """The photo's own luma as 8-bit grey: all that a model gets to see."""
    return replace(truth, pixels=encode(luminance(truth.pixels), np.dtype(np.uint8)))


def three(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey (H, W) as RGB (H, W, 3); RGB as it is."""
    return np.repeat(pixels[..., None], 3, -1) if pixels.ndim == 2 else pixels


@functools.lru_cache(maxsize=KEPT)
def read(path: Path) -> Truth:
    """A photo of the set. Raises what open_photo raises."""
    photo = downscaled(open_photo(path), LONG_SIDE)
    return Truth(three(photo.pixels), grey_of(photo))


def revealed(path: Path, count: int) -> tuple[Hint, ...]:
    """The true colour at `count` places of a photo, as a person would pick it.

    The places follow from the photo's own bytes, so that every model is told the same, and the
    first of many are those of few.
    """
    rgb, seed = read(path).rgb, int.from_bytes(digest(path)[:8], "big")
    places = np.random.default_rng(seed).random((count, 2))
    return tuple(Hint(x, y, picked(rgb, x, y)) for x, y in places.tolist())


def picked(rgb: NDArray[np.uint8], x: float, y: float) -> tuple[int, int, int]:
    """Mean colour of the 5 x 5 pixels around a place given as shares of width and height."""
    column, row = int(x * rgb.shape[1]), int(y * rgb.shape[0])
    rows = slice(max(0, row - REACH), row + REACH + 1)
    columns = slice(max(0, column - REACH), column + REACH + 1)
    red, green, blue = rgb[rows, columns].mean((0, 1)).round().astype(int).tolist()
    return red, green, blue
