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
from ml.color import colourfulness, delta_e00, lab_from_rgb
from training import checkpoint
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
    """dE00, its value for the photos left grey, and colourfulness over the truth's."""

    def __init__(self, store: PhotoStore, photos: Sequence[int], side: int) -> None:
        self.squares = [square(store.photo(index), side) for index in photos]

    def __call__(self, net: nn.Module) -> tuple[dict[str, float], Pixels]:
        """Figures and a sample sheet (3 S, n S, 3): grey, painted, truth."""
        device = next(net.parameters()).device
        scores, greys, colours = [], [], []
        columns: list[Pixels] = []
        for planes in self.squares:
            grey, colour = normalised(planes)
            with evaluating(net):
                (painted,) = pixels(net(grey[None].to(device)))
            (truth,) = pixels(colour[None])
            (left_grey,) = pixels(grey[None])
            lab = lab_from_rgb(truth)
            scores.append(float(delta_e00(lab_from_rgb(painted), lab).mean()))
            greys.append(float(delta_e00(lab_from_rgb(left_grey), lab).mean()))
            colours.append(colourfulness(painted) / max(colourfulness(truth), 1e-6))
            if len(columns) < COLUMNS:
                columns.append(np.concatenate([left_grey, painted, truth]))
        figures = {
            "de00": float(np.mean(scores)),
            "grey": float(np.mean(greys)),
            "better": float(np.mean(np.array(scores) < np.array(greys))),
            "colourfulness": float(np.mean(colours)),
        }
        return figures, np.concatenate(columns, 1)


def write_sheet(sheet: Pixels, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint.write_atomic(path, lambda part: Image.fromarray(sheet).save(part, "PNG"))


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
