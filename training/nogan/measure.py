"""How the generator does on the photos held out, in numbers and in pictures."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from ml.backends.deoldify import MEAN, STD
from training import checkpoint, sheet
from training.data import PhotoStore, Pixels
from training.nogan.pairs import normalised, square

logger = logging.getLogger(__name__)

COLUMNS = 8  # photos on a sample sheet


@contextlib.contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every module is as it was."""
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def pixels(normal: Tensor) -> Pixels:
    """ImageNet-normalised (B, 3, S, S) to sRGB uint8 (B, S, S, 3)."""
    colour = normal.permute(0, 2, 3, 1).cpu().numpy() * STD + MEAN
    return (colour.clip(0, 1) * 255).round().astype(np.uint8)


class Measure:
    """Figures of the generator's chroma on the photos' own luma, as the site composes them."""

    def __init__(self, store: PhotoStore, photos: Sequence[int], side: int) -> None:
        self.squares = [square(store.photo(index), side) for index in photos]

    def __call__(self, net: nn.Module) -> tuple[dict[str, float], Pixels]:
        """Figures (`sheet.figures`) and a sample sheet (3 S, n S, 3): grey, painted, truth."""
        device = next(net.parameters()).device
        truths: list[Pixels] = []
        results: list[Pixels] = []
        columns: list[Pixels] = []
        for planes in self.squares:
            grey, colour = normalised(planes)
            with evaluating(net):
                (painted,) = pixels(net(grey[None].to(device)))
            (truth,) = pixels(colour[None])
            truths.append(truth)
            results.append(sheet.on_luma(painted.astype(np.float32) / 255, truth))
            if len(columns) < COLUMNS:
                columns.append(np.concatenate([*pixels(grey[None]), results[-1], truth]))
        return sheet.figures(truths, results), np.concatenate(columns, 1)


def write_sheet(picture: Pixels, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write_atomic(path, lambda part: Image.fromarray(picture).save(part, "PNG"))


def write_images(
    net: nn.Module, store: PhotoStore, photos: Sequence[int], side: int, batch: int, folder: Path
) -> list[Path]:
    """The generator's pictures of `photos` as PNG in `folder`, for the critic (S044)."""
    folder.mkdir(parents=True, exist_ok=True)
    device = next(net.parameters()).device
    paths = generated_paths(folder, photos)
    for start in tqdm(range(0, len(photos), batch), desc=folder.name, unit="batch"):
        chosen = photos[start : start + batch]
        grey = torch.stack([normalised(square(store.photo(index), side))[0] for index in chosen])
        with evaluating(net):
            painted = pixels(net(grey.to(device)))
        for picture, path in zip(painted, paths[start : start + batch], strict=True):
            Image.fromarray(picture).save(path)
    return paths


def generated_paths(folder: Path, photos: Sequence[int]) -> list[Path]:
    return [folder / f"{index:07d}.png" for index in photos]
