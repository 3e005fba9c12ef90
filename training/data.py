"""Photos for training: found, packed once, split by seed, cropped and aged.

A sample is a pure function of (seed, its number), so a resumed run sees exactly what an
uninterrupted one would have.
"""

import functools
import hashlib
import io
import itertools
import json
import logging
import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ml.color import lab_from_rgb
from ml.evaluate.photos import photos as photos_below
from ml.nets.coloria import OUTPUT_STRIDE
from training.checkpoint import write_atomic
from training.coloria_config import ColoriaConfig
from training.errors import TrainingError

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PhotoStore:
    """Decoded photos in one memory-mapped file: RGB uint8, shorter side `side`."""

    pixels: Pixels  # (bytes,), mapped from the file
    shapes: list[tuple[int, int]]
    offsets: list[int]
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)

    def photo(self, index: int) -> Pixels:
        height, width = self.shapes[index]
        start = self.offsets[index]
        return np.asarray(self.pixels[start : start + height * width * 3]).reshape(height, width, 3)


def decode(path: Path, side: int) -> Pixels:
    """One photo upright as RGB uint8 with its shorter side reduced to at most `side`."""
    with Image.open(path) as image:
        image.draft("RGB", (side, side))
        rgb = ImageOps.exif_transpose(image).convert("RGB")
    scale = side / min(rgb.size)
    if scale < 1:
        rgb = rgb.resize(
            (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale))),
            Image.Resampling.LANCZOS,
        )
    return np.asarray(rgb)


def pack(folder: Path, cache: Path, side: int, min_chroma: float) -> PhotoStore:
    """Decode every usable photo below `folder` once and map the result.

    Damaged and near-grey photos are left out and listed in `<cache>/<key>.json`. Raises
    FileNotFoundError without photos, TrainingError if none can be used.
    """
    paths = photos_below(folder)
    listing = "\n".join(f"{path.relative_to(folder)} {path.stat().st_size}" for path in paths)
    key = hashlib.sha256(f"{side} {min_chroma}\n{listing}".encode()).hexdigest()[:16]
    index_file, pixel_file = cache / f"{key}.json", cache / f"{key}.rgb"
    if not index_file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        index = write_pack(folder, paths, pixel_file, side, min_chroma)
        write_atomic(index_file, lambda part: part.write_text(json.dumps(index)))
    index = json.loads(index_file.read_text())
    if not index["names"]:
        raise TrainingError(
            f"none of the {len(paths)} photos below {folder} can be used; {index_file} says why"
        )
    for name, reason in index["skipped"].items():
        logger.debug("left out %s: %s", name, reason)
    logger.info(
        "%d photos in use, %d left out (%s)", len(index["names"]), len(index["skipped"]), index_file
    )
    shapes = [(height, width) for height, width in index["shapes"]]
    offsets = np.cumsum([0, *(height * width * 3 for height, width in shapes)]).tolist()
    return PhotoStore(np.memmap(pixel_file, np.uint8, "r"), shapes, offsets, index["names"])


def write_pack(
    folder: Path, paths: list[Path], target: Path, side: int, min_chroma: float
) -> dict[str, object]:
    names, shapes, skipped = [], [], {}
    with target.open("wb") as file:
        for path in paths:
            name = path.relative_to(folder).as_posix()
            try:
                rgb = decode(path, side)
            except (OSError, ValueError, SyntaxError) as error:
                skipped[name] = f"cannot be opened: {error}"
                continue
            chroma = float(
                np.hypot(*np.moveaxis(lab_from_rgb(rgb[::4, ::4])[..., 1:], -1, 0)).mean()
            )
            if chroma < min_chroma or min(rgb.shape[:2]) < 32:
                skipped[name] = (
                    f"near grey or tiny: mean chroma {chroma:.1f}, {rgb.shape[1]}x{rgb.shape[0]}"
                )
                continue
            file.write(rgb.tobytes())
            names.append(name)
            shapes.append(rgb.shape[:2])
    return {"names": names, "shapes": shapes, "skipped": skipped}


def split(
    count: int, valid: int, keep_pct: float, seed: int, first: Container[int] = ()
) -> tuple[list[int], list[int]]:
    """Seeded split of photo numbers into training (the share `keep_pct`) and validation, which
    takes those in `first` before others.
    """
    order = np.random.default_rng(seed).permutation(count).tolist()
    order.sort(key=lambda number: number not in first)
    valid = min(valid, count // 2)
    train = order[valid:]
    return train[: max(1, round(len(train) * keep_pct))], sorted(order[:valid])


@functools.lru_cache(maxsize=4)
def order(count: int, epoch: int, seed: int) -> NDArray[np.int64]:
    """The places 0 .. count - 1 in the order of an epoch. Drawing it again for every sample would
    cost more than the sample where there are a million photos.
    """
    places = np.random.default_rng([seed, epoch]).permutation(count)
    places.setflags(write=False)  # it is shared
    return places


def shuffled(number: int, count: int, seed: int) -> int:
    """The place of sample `number`: a new order in every epoch."""
    epoch, place = divmod(number, count)
    return int(order(count, epoch, seed)[place])


def mixed(photos: list[int], names: list[str], mix: Sequence[str], seed: int) -> list[int]:
    """Photo numbers, each as often as the first pattern of `mix` (glob=weight) that its name meets
    says, fractions by chance; once where none does. Raises ValueError for a weight that is none.
    """
    weights = [(glob, float(weight)) for glob, _, weight in (rule.rpartition("=") for rule in mix)]
    rng, chosen = np.random.default_rng([seed, 3]), []
    for photo in photos:
        weight = next((w for glob, w in weights if fnmatch(names[photo], glob)), 1.0)
        chosen += [photo] * math.floor(weight + rng.random())
    return chosen


def age(luma: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Make a clean luma (H, W), 0..1, look like a scan of an old photograph."""
    image = Image.fromarray((luma * 255).round().astype(np.uint8))
    if rng.random() < 0.4:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.3)))
    tone = np.arange(256, dtype=np.float32) / np.float32(255)  # what becomes of each grey
    tone = tone ** np.exp(rng.uniform(-0.4, 0.4))
    black, white = rng.uniform(0, 0.2), rng.uniform(0.75, 1)
    if rng.random() < 0.5:  # faded: neither black nor white is left
        tone = black + (white - black) * tone
    else:  # hard print: shadows and lights are lost
        tone = np.clip((tone - black / 2) / (white - black / 2), 0, 1)
    aged = tone[np.asarray(image)]
    if rng.random() < 0.3:  # uneven fading over the sheet
        ramp = (
            np.linspace(-1, 1, aged.shape[0])[:, None] * rng.normal()
            + np.linspace(-1, 1, aged.shape[1]) * rng.normal()
        )
        aged = aged * (1 + 0.08 * ramp)
    if rng.random() < 0.6:  # grain, sometimes coarse
        grain = rng.normal(0, rng.uniform(0.005, 0.05), aged.shape).astype(np.float32)
        aged = aged + (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1)) / rng.choice([1.0, 1.7])
    image = Image.fromarray((np.clip(aged, 0, 1) * 255).round().astype(np.uint8))
    if rng.random() < 0.4:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=int(rng.integers(30, 92)))
        image = Image.open(buffer)
    return np.asarray(image, np.float32) / np.float32(255)


def reveal(ab: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Hints (3, H, W) that show the true `ab` (H, W, 2) in `count` squares of 1-9 px; a and b
    divided by 110.
    """
    height, width = ab.shape[:2]
    hints = np.zeros((3, height, width), np.float32)
    for _ in range(count):
        radius = int(rng.integers(0, 5))
        y, x = int(rng.integers(0, height)), int(rng.integers(0, width))
        window = np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        hints[:2][(slice(None), *window)] = ab[window].mean((0, 1))[:, None, None] / 110
        hints[2][window] = 1
    return hints


def crop(rgb: Pixels, side: int, scale: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """A random, perhaps mirrored, square-ish part of the photo, resized to (side, side, 3)."""
    height, width = rgb.shape[:2]
    part = min(height, width) * rng.uniform(*scale)
    aspect = np.exp(rng.uniform(-0.15, 0.15))
    h, w = min(height, part * aspect), min(width, part / aspect)
    y, x = rng.uniform(0, height - h), rng.uniform(0, width - w)
    image = Image.fromarray(rgb).resize(
        (side, side), Image.Resampling.BICUBIC, (x, y, x + w, y + h)
    )
    pixels = np.asarray(image)
    return pixels[:, ::-1] if rng.random() < 0.5 else pixels


class Crops(Dataset[tuple[Tensor, ...]]):
    """Training samples by number: luma (1, S, S), hints (3, S, S), target ab (2, S/4, S/4) and,
    where there is a teacher, what it sees: RGB (3, S, S), 0..255.
    """

    def __init__(self, store: PhotoStore, photos: list[int], config: ColoriaConfig) -> None:
        self.store, self.photos, self.config = store, photos, config

    def side(self, step: int) -> int:
        return [side for start, side in self.config.sizes if start <= step][-1]

    def __getitem__(self, number: int) -> tuple[Tensor, ...]:
        photo = self.photos[shuffled(number, len(self.photos), self.config.seed)]
        rng = np.random.default_rng([self.config.seed, 1, number])
        side = self.side(number // self.config.batch)
        rgb = crop(self.store.photo(photo), side, self.config.crop_scale, rng)
        lab = lab_from_rgb(rgb)
        luma = lab[..., 0] / np.float32(100)
        if rng.random() < self.config.degrade:
            luma = age(luma, rng)
        count = 0
        if rng.random() < self.config.hints:
            count = int(rng.geometric(1 / 8)) if rng.random() < 0.8 else int(rng.integers(1, 80))
        hints = reveal(lab[..., 1:], count, rng)
        sample = [
            torch.from_numpy(np.ascontiguousarray(luma * 100, np.float32))[None],
            torch.from_numpy(hints),
            torch.from_numpy(shrink(lab[..., 1:], OUTPUT_STRIDE)),
        ]
        if self.config.taught:
            sample.append(torch.from_numpy(rgb.transpose(2, 0, 1).astype(np.float32)))
        return tuple(sample)


def shrink(ab: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Mean ab over blocks: (H, W, 2) to (2, H/factor, W/factor)."""
    height, width = ab.shape[0] // factor, ab.shape[1] // factor
    blocks = ab[: height * factor, : width * factor].reshape(height, factor, width, factor, 2)
    places = itertools.product(range(factor), range(factor))
    total = functools.reduce(np.add, (blocks[:, row, :, column] for row, column in places))
    return np.ascontiguousarray(total.transpose(2, 0, 1) / factor**2, np.float32)


class Steps(Sampler[list[int]]):
    """Batches of sample numbers from step `first` on; of several processes each takes every
    `world`-th sample.
    """

    def __init__(self, first: int, config: ColoriaConfig, rank: int = 0, world: int = 1) -> None:
        self.first, self.config, self.rank, self.world = first, config, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.config.steps):
            batch = range(step * self.config.batch, (step + 1) * self.config.batch)
            yield list(batch[self.rank :: self.world])

    def __len__(self) -> int:
        return self.config.steps - self.first
