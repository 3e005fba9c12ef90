"""BigColor: grey in, colours out, as an ImageNet class and a latent vector would have them.

Upstream lets an EfficientNet-L2 of 475 pixels choose the class, and draws the latent unseeded. Here
both are given, or drawn from the seed: the same seed gives the same picture. Of several draws the
most believable for the photo can be kept.
"""

import functools
import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml import records, registry, score
from ml.backends import engines, lab
from ml.backends.coloria import Coloria
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
TILED = ("E.res2", "E.res3", "G.blocks.2", "G.blocks.3", "G.blocks.4")  # the larger pictures
GREY = (0.2989, 0.587, 0.114)  # upstream's weights of red, green and blue

Shape = Literal["square", "powerof"]
Composition = Literal["luma", "upstream"]

log = logging.getLogger(__name__)


def draws(seed: int) -> Iterator[tuple[int, Array]]:
    """Classes and latents (LATENT,) without end, that depend on the seed alone."""
    random = np.random.default_rng(abs(seed))
    while True:
        label = int(random.integers(CLASSES))
        yield label, (random.standard_normal(LATENT) * DEVIATION).astype(np.float32)


def draw(seed: int) -> tuple[int, Array]:
    """The first class and latent (LATENT,) of a seed."""
    return next(draws(seed))


@functools.cache
def critic() -> Coloria:
    """The bundled model, even where another has taken its place: the one that was measured. Raises
    ModelUnavailable.
    """
    return cast(Coloria, registry.load("coloria", folder=records.BUNDLE))


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


def most_believable(photo: Photograph, several: Sequence[Array]) -> int:
    """Which of several ab (h, w, 2) the bundled model finds the likeliest for the photo."""
    _, logits = critic().read(photo)
    return score.best(logits, several)


def chroma(colours: Array) -> Array:
    """ab (h, w, 2) of the network's picture (h, w, 3), 0..1."""
    return lab_from_rgb(colours)[..., 1:]


def finished(photo: Photograph, ab: Array, strength: float, size: tuple[int, int]) -> Photograph:
    """The photo in the colours `ab`, guided by its luma at `size`, width and height."""
    return compose(photo, ab * np.float32(strength), small_luma(photo, *size))


class Painter:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def answer(self, x: Array, label: int, latent: Array) -> Array:
        """The network's own picture (h, w, 3), 0..1, of grey x (h, w)."""
        y = self.engine(x[None, None], np.array([label]), latent[None])
        return np.ascontiguousarray((y[0] + 1).transpose(1, 2, 0) / 2)

    def colours(self, photo: Photograph, label: int, latent: Array, shape: Shape) -> Array:
        """The network's own picture (h, w, 3), 0..1, at its own size."""
        return self.answer(resize(grey(photo), *input_size(*photo.size, shape)), label, latent)

    def paint(
        self,
        photo: Photograph,
        label: int,
        latent: Array,
        strength: float = 1.0,
        composition: Composition = "luma",
        shape: Shape = "powerof",
    ) -> Photograph:
        """The photo in colour, as a picture of ImageNet class `label` and with `latent` (LATENT,).

        composition: "luma" keeps the photo's luma, depth and edges; "upstream" is upstream's own
        and knows no strength.
        """
        colours = self.colours(photo, label, latent, shape)
        if composition == "upstream":
            return upstream(photo, colours)
        return finished(photo, chroma(colours), strength, input_size(*photo.size, shape))

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        """The photo in colour, same size. Reads `strength`, `seed`, `label` and `candidates`.

        Raises ModelUnavailable if there is nothing to choose with.
        """
        size = input_size(*photo.size, "powerof")
        x = resize(grey(photo), *size)
        drawn = list(itertools.islice(draws(settings.seed), settings.candidates))
        labels = [label if settings.label is None else settings.label for label, _ in drawn]
        several = [
            chroma(self.answer(x, label, latent))
            for label, (_, latent) in zip(labels, drawn, strict=True)
        ]
        kept = most_believable(photo, several) if len(several) > 1 else 0
        log.info("class %d, candidate %d of %d", labels[kept], kept + 1, len(several))
        return finished(photo, several[kept], settings.strength, size)


def load(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    """A BigColor colorizer."""
    grey = np.zeros((1, 1, 64, 64), np.float32)
    latent = np.zeros((1, LATENT), np.float32)
    inputs: list[NDArray[Any]] = [grey, np.zeros(1, np.int64), latent]
    return Painter(engines.load(spec, path, device, inputs, TILED))
