"""BigColor: grey in, colours out, as an ImageNet class and a latent vector would have them.

Upstream lets an EfficientNet-L2 of 475 pixels choose the class, and draws the latent unseeded. Here
both are given, or drawn from the seed: the same seed gives the same picture.
"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from ml.backends import engines, lab
from ml.backends.engines import Engine
from ml.color import Array, lab_from_rgb
from ml.compose import compose, small_luma
from ml.images import Photograph
from ml.images.photograph import strips
from ml.images.planes import to_eight
from ml.spec import Colorizer, ModelSpec, Settings

CLASSES, LATENT = 1000, 119  # ImageNet's classes; numbers in a latent
STRIDE = 16  # both sides of the network's input are multiples of this
SIDE = 256  # pixels of the shorter side of the network's input
MAX_RATIO = 4  # a longer strip is squeezed: attention's memory grows with the square of the area
DEVIATION = 0.8  # of the latent's normal distribution
GREY = (0.2989, 0.587, 0.114)  # upstream's weights of red, green and blue

Shape = Literal["square", "powerof"]


def draw(seed: int) -> tuple[int, Array]:
    """A class and a latent (LATENT,) that depend on the seed alone."""
    random = np.random.default_rng(abs(seed))
    label = int(random.integers(CLASSES))
    return label, (random.standard_normal(LATENT) * DEVIATION).astype(np.float32)


def input_size(width: int, height: int, shape: Shape) -> tuple[int, int]:
    """Width and height of the network's input. "square" stretches; "powerof" keeps the shape, the
    shorter side SIDE, the longer up to a multiple of STRIDE.
    """
    if shape == "square":
        return SIDE, SIDE
    short, long = sorted((width, height))
    longer = STRIDE * math.ceil(min(long * (SIDE / short), MAX_RATIO * SIDE) / STRIDE)
    return (longer, SIDE) if width > height else (SIDE, longer)


def grey(photo: Photograph) -> Array:
    """Upstream's grey (H, W), 0..1: gamma-coded, grey photos as they are."""
    pixels = photo.pixels
    scale = np.float32(1 / np.iinfo(pixels.dtype).max)
    if pixels.ndim == 2:
        return pixels * scale
    result = np.empty(pixels.shape[:2], np.float32)
    for rows in strips(*pixels.shape[:2]):
        red, green, blue = np.moveaxis(pixels[rows] * scale, -1, 0)
        result[rows] = GREY[0] * red + GREY[1] * green + GREY[2] * blue
    return result


def resize(plane: Array, width: int, height: int) -> Array:
    """(h, w) to (height, width), bilinear and smoothed where it shrinks."""
    small = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(small)


def upstream(photo: Photograph, colours: Array) -> Photograph:
    """The picture that upstream makes of `colours` (h, w, 3), 0..1: 8-bit, truncated, and with the
    grey value x 100 taken for L*, which changes the photo's brightness.
    """
    height, width = photo.pixels.shape[:2]
    planes = [resize(plane, width, height) for plane in np.moveaxis(colours, -1, 0).copy()]
    ab = lab.lab(np.stack(planes, -1))[..., 1:]
    rgb = lab.rgb(grey(photo) * np.float32(100), ab)
    alpha = None if photo.alpha is None else to_eight(photo.alpha)
    return replace(photo, pixels=(rgb * np.float32(255)).astype(np.uint8), alpha=alpha)


class Painter:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def colours(self, photo: Photograph, label: int, latent: Array, shape: Shape) -> Array:
        """The network's own picture (h, w, 3), 0..1, at its own size."""
        x = resize(grey(photo), *input_size(*photo.size, shape))
        y = self.engine(x[None, None], np.array([label]), latent[None])
        return np.ascontiguousarray((y[0] + 1).transpose(1, 2, 0) / 2)

    def paint(
        self,
        photo: Photograph,
        label: int,
        latent: Array,
        strength: float = 1.0,
        composition: Literal["luma", "upstream"] = "luma",
        shape: Shape = "powerof",
    ) -> Photograph:
        """The photo in colour, as a picture of ImageNet class `label` and with `latent` (LATENT,).

        composition: "luma" keeps the photo's luma, depth and edges; "upstream" is upstream's own
        and knows no strength.
        """
        colours = self.colours(photo, label, latent, shape)
        if composition == "upstream":
            return upstream(photo, colours)
        ab = lab_from_rgb(colours)[..., 1:] * np.float32(strength)
        return compose(photo, ab, small_luma(photo, *input_size(*photo.size, shape)))

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        """The photo in colour, same size. Reads `strength`, `seed` and `label`."""
        label, latent = draw(settings.seed)
        if settings.label is not None:
            label = settings.label
        return self.paint(photo, label, latent, settings.strength)


def load(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    """A BigColor colorizer."""
    grey = np.zeros((1, 1, 64, 64), np.float32)
    latent = np.zeros((1, LATENT), np.float32)
    return Painter(engines.load(spec, path, device, [grey, np.zeros(1, np.int64), latent]))
