"""Grey and colour squares of photos, transformed alike; a sample is a function of its number."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset, Sampler

from ml.backends.deoldify import MEAN, STD
from training.data import PhotoStore, Pixels, decode

BILINEAR = Image.Resampling.BILINEAR
OFTEN = 0.75  # probability of each transform but the flip
CORNERS = np.array([(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)])
BRIM = 1e-3  # keeps logits of black and white finite


@dataclass(frozen=True, slots=True)
class Changes:
    """How far a picture may be changed."""

    zoom: float
    lighting: float
    warp: float
    rotate: float  # degrees


def square(rgb: Pixels, side: int) -> Tensor:
    """The middle of a photo as (4, side, side): red, green, blue and luma, 0..1."""
    image = shrunk(rgb, side)
    x, y = (image.width - side) // 2, (image.height - side) // 2
    return planes(image.crop((x, y, x + side, y + side)))


def shrunk(rgb: Pixels, shorter: int) -> Image.Image:
    image = Image.fromarray(rgb)
    scale = shorter / min(image.size)
    size = (max(shorter, round(image.width * scale)), max(shorter, round(image.height * scale)))
    return image.resize(size, BILINEAR)


def planes(image: Image.Image) -> Tensor:
    """(4, H, W): the photo and its grey copy, made as inference makes it (S023)."""
    luma = np.asarray(image.convert("L"))[..., None]
    stacked = np.concatenate([np.asarray(image), luma], -1).transpose(2, 0, 1)
    return torch.from_numpy(stacked.astype(np.float32) / np.float32(255))


def changed(rgb: Pixels, side: int, changes: Changes, rng: np.random.Generator) -> Tensor:
    """A random square of the photo as (4, side, side): zoomed, warped, turned, mirrored, relit."""
    zoom = rng.uniform(1, changes.zoom) if rng.random() < OFTEN else 1.0
    pixels = planes(shrunk(rgb, round(side * zoom)))
    grid = view(pixels.shape[1:], side, plane_map(changes, rng), rng)
    moved = F.grid_sample(pixels[None], grid[None], "bilinear", "reflection", align_corners=False)
    return relit(moved[0].clamp(0, 1), changes.lighting, rng)


def plane_map(changes: Changes, rng: np.random.Generator) -> NDArray[np.float64]:
    """Homography (3, 3) of the square [-1, 1]: a turn, a mirror, and corners that moved."""
    matrix = np.eye(3)
    if rng.random() < OFTEN:
        angle = np.radians(rng.uniform(-changes.rotate, changes.rotate))
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    if rng.random() < OFTEN:
        matrix = matrix @ homography(rng.uniform(-changes.warp, changes.warp, (4, 2)) / 2)
    if rng.random() < 0.5:
        matrix = matrix @ np.diag([-1.0, 1.0, 1.0])
    return matrix


def homography(moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map (3, 3) that takes each corner of [-1, 1] to itself plus its move (4, 2)."""
    rows, targets = [], []
    for (x, y), (u, v) in zip(CORNERS, CORNERS + moves, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        targets += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(targets)), 1).reshape(3, 3)


def view(
    size: torch.Size, side: int, matrix: NDArray[np.float64], rng: np.random.Generator
) -> Tensor:
    """Where to read (side, side, 2), in grid_sample's units, for a random window of `side` pixels
    in a picture of `size` (H, W), seen through `matrix`.
    """
    steps = (np.arange(side) + 0.5) * 2 / side - 1
    x, y = np.meshgrid(steps, steps)
    u, v, w = matrix @ np.stack([x.ravel(), y.ravel(), np.ones(side * side)])
    reach = side / np.array([size[1], size[0]])  # of the window, in units of half the picture
    middle = rng.uniform(-1, 1, 2) * (1 - reach)
    grid = np.stack([u / w, v / w], -1) * reach + middle
    return torch.from_numpy(grid.reshape(side, side, 2).astype(np.float32))


def relit(pixels: Tensor, lighting: float, rng: np.random.Generator) -> Tensor:
    """Other brightness and contrast: an offset and a factor of the logits."""
    logits = torch.logit(pixels, BRIM)
    if rng.random() < OFTEN:
        change = rng.uniform(0.5 * (1 - lighting), 0.5 * (1 + lighting))
        logits = logits + float(np.log(change / (1 - change)))
    if rng.random() < OFTEN:
        reach = np.log(1 / (1 - lighting))
        logits = logits * float(np.exp(rng.uniform(-reach, reach)))
    return logits.sigmoid()


def normalised(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Grey and colour (3, S, S) each, ImageNet-normalised, of (4, S, S)."""
    mean, std = (torch.from_numpy(values)[:, None, None] for values in (MEAN, STD))
    return (planes[3:].expand(3, -1, -1) - mean) / std, (planes[:3] - mean) / std


class Numbered(Dataset[tuple[Tensor, Tensor]]):
    """Samples by number: each pass goes through `count` things in another order."""

    def __init__(self, count: int, seed: tuple[int, ...]) -> None:
        self.count, self.seed = count, seed
        self.turn, self.order = -1, np.arange(0)

    def thing(self, number: int) -> int:
        turn, place = divmod(number, self.count)
        if turn != self.turn:
            self.turn = turn
            self.order = np.random.default_rng([*self.seed, turn]).permutation(self.count)
        return int(self.order[place])

    def rng(self, number: int) -> np.random.Generator:
        return np.random.default_rng([*self.seed, 1 << 20, number])


class Pairs(Numbered):
    """Grey (3, S, S) and colour (3, S, S) of photos of the store; unchanged if not `changes`."""

    def __init__(
        self, store: PhotoStore, photos: list[int], side: int, changes: Changes | None,
        seed: tuple[int, ...],
    ) -> None:  # fmt: skip
        super().__init__(len(photos), seed)
        self.store, self.photos, self.side, self.changes = store, photos, side, changes

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        if self.changes is None:
            return normalised(square(self.store.photo(self.photos[number]), self.side))
        rgb = self.store.photo(self.photos[self.thing(number)])
        return normalised(changed(rgb, self.side, self.changes, self.rng(number)))


class Judged(Numbered):
    """Pictures (3, S, S) with 1 for a photo and 0 for a generated one."""

    def __init__(
        self, store: PhotoStore, photos: list[int], generated: list[Path], side: int,
        changes: Changes | None, seed: tuple[int, ...],
    ) -> None:  # fmt: skip
        super().__init__(len(photos) + len(generated), seed)
        self.store, self.photos, self.generated = store, photos, generated
        self.side, self.changes = side, changes

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        thing = number if self.changes is None else self.thing(number)
        real = thing < len(self.photos)
        if real:
            rgb = self.store.photo(self.photos[thing])
        else:
            rgb = decode(self.generated[thing - len(self.photos)], self.side)
        if self.changes is None:
            picture = square(rgb, self.side)
        else:
            picture = changed(rgb, self.side, self.changes, self.rng(number))
        return normalised(picture)[1], torch.tensor(float(real))


class Batches(Sampler[list[int]]):
    """`count` batches of sample numbers per pass. A pass may begin in the middle, once."""

    def __init__(self, count: int, size: int, epoch: int = 0, begin: int = 0) -> None:
        self.count, self.size, self.epoch, self.begin = count, size, epoch, begin

    def __iter__(self) -> Iterator[list[int]]:
        for batch in range(self.begin, self.count):
            start = (self.epoch * self.count + batch) * self.size
            yield list(range(start, start + self.size))
        self.epoch, self.begin = self.epoch + 1, 0

    def __len__(self) -> int:
        return self.count
