"""Whole photos as squares, epoch by epoch, for the recipes of the report.

As in training.data, a sample is a pure function of (seed, its number).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from training.data import PhotoStore, Pixels, shuffled
from training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Plan:
    """Which sample numbers belong to which step. Sample n is place n % photos of epoch n // photos.

    whole: leave an epoch's last batch out if it is not full.
    """

    photos: int
    batch: int
    epochs: int
    whole: bool = False

    @property
    def per_epoch(self) -> int:
        """Steps; never none, however few the photos."""
        return max(1, self.photos // self.batch if self.whole else -(-self.photos // self.batch))

    @property
    def steps(self) -> int:
        return self.epochs * self.per_epoch

    def numbers(self, step: int) -> range:
        epoch, place = divmod(step, self.per_epoch)
        first = place * self.batch
        last = min(first + self.batch, self.photos)
        return range(epoch * self.photos + first, epoch * self.photos + last)


class Batches(Sampler[list[int]]):
    """The sample numbers of every step from `first` on; of several processes each takes every
    `world`-th (S089: none twice).
    """

    def __init__(self, plan: Plan, first: int, rank: int = 0, world: int = 1) -> None:
        self.plan, self.first, self.rank, self.world = plan, first, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.first, self.plan.steps):
            yield list(self.plan.numbers(step)[self.rank :: self.world])

    def __len__(self) -> int:
        return self.plan.steps - self.first


def square(rgb: Pixels, side: int) -> Pixels:
    """The middle of the photo: shorter side to `side`, centre crop (S027), (side, side, 3)."""
    height, width = rgb.shape[:2]
    part = min(height, width)
    left, top = (width - part) / 2, (height - part) / 2
    box = (left, top, left + part, top + part)
    return np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BILINEAR, box))


def classes(names: Sequence[str]) -> list[str]:
    """The topmost folders of the photos `names`, sorted: their places are the classes. Photos in no
    folder are of class "".
    """
    return sorted({folder(name) for name in names})


def folder(name: str) -> str:
    first, *rest = PurePosixPath(name).parts
    return first if rest else ""


def labels(names: Sequence[str], known: Sequence[str], most: int) -> list[int]:
    """The class of every photo, -1 if it is not among `known`. Raises TrainingError if there are
    more classes than the network tells apart.
    """
    if len(known) > most:
        raise TrainingError(f"{len(known)} folders, but the network knows {most} classes")
    places = {name: place for place, name in enumerate(known)}
    return [places.get(folder(name), -1) for name in names]


class Squares(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """BigColor's samples by number: photo (3, S, S), 0..1; class (); z (n,).

    `photos` are numbers of photos in the store; a new z is drawn for every sample.
    """

    def __init__(
        self,
        store: PhotoStore,
        photos: Sequence[int],
        labels: Sequence[int],
        side: int,
        latent: tuple[int, float],  # numbers, deviation
        seed: int,
    ) -> None:
        self.store, self.photos, self.labels = store, photos, labels
        self.side, self.latent, self.seed = side, latent, seed

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        photo = self.photos[shuffled(number, len(self.photos), self.seed)]
        pixels = square(self.store.photo(photo), self.side)
        count, deviation = self.latent
        noise = np.random.default_rng([self.seed, 1, number]).standard_normal(count)
        z = (noise * deviation).astype(np.float32)
        return planes(pixels), torch.tensor(self.labels[photo]), torch.from_numpy(z)


def planes(pixels: Pixels) -> Tensor:
    """(H, W, 3) uint8 to (3, H, W), 0..1."""
    scaled: NDArray[np.float32] = pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(scaled))
