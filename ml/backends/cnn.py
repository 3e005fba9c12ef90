"""The report's U-Net: the photo's grey at 160 x 160 in, sRGB at the same size out."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.backends import engines
from ml.backends.engines import Engine
from ml.color import Array, lab_from_rgb
from ml.compose import compose, small_luma
from ml.images import Photograph
from ml.images.planes import to_eight
from ml.spec import Colorizer, ModelSpec, Settings

SIDE = 160  # both sides of the network's input, whatever the photo's shape: as in the report
BILINEAR = Image.Resampling.BILINEAR

Composition = Literal["luma", "upstream"]


def network_grey(photo: Photograph) -> NDArray[np.uint8]:
    """The photo's grey (SIDE, SIDE), made grey before it is resized."""
    grey = Image.fromarray(to_eight(photo.pixels)).convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), BILINEAR))


def upstream(photo: Photograph, colours: Array) -> Photograph:
    """The network's own picture of `colours` (SIDE, SIDE, 3) at the photo's size: 8-bit, as soft as
    its 160 pixels.
    """
    small = Image.fromarray((colours * 255).round().astype(np.uint8))
    alpha = None if photo.alpha is None else to_eight(photo.alpha)
    return replace(photo, pixels=np.asarray(small.resize(photo.size, BILINEAR)), alpha=alpha)


class Cnn:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def colours(self, grey: NDArray[np.uint8]) -> Array:
        """sRGB (SIDE, SIDE, 3), 0..1, of grey (SIDE, SIDE)."""
        plane = grey.astype(np.float32) / np.float32(255)
        answer = self.engine(np.repeat(plane[None, None], 3, 1))
        return np.ascontiguousarray(answer[0].transpose(1, 2, 0).clip(0, 1))

    def paint(
        self, photo: Photograph, strength: float = 1.0, composition: Composition = "luma"
    ) -> Photograph:
        """The photo in colour.

        composition: "luma" keeps the photo's luma, depth and edges; "upstream" is the network's own
        picture, which no strength changes.
        """
        colours = self.colours(network_grey(photo))
        if composition == "upstream":
            return upstream(photo, colours)
        ab = lab_from_rgb(colours)[..., 1:] * np.float32(strength)
        return compose(photo, ab, small_luma(photo, SIDE, SIDE))

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        """The photo in colour, same size. Reads `strength` and `raw`."""
        composition: Composition = "upstream" if settings.raw else "luma"
        return self.paint(photo, settings.strength, composition)


def load(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    example = np.zeros((1, 3, SIDE, SIDE), np.float32)
    return Cnn(engines.load(spec, path, device, [example]))
