"""DeOldify: published checkpoints in, a photo in colour out."""

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
from ml.images.photograph import Pixels, strips
from ml.spec import Colorizer, ModelSpec, Settings

STRIDE = 16  # pixels of the network's side per unit of the render factor
RENDER_FACTORS = range(7, 46)
MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of ImageNet, as the ResNet was trained with
STD = np.array([0.229, 0.224, 0.225], np.float32)
TILED = ("layers.6", "layers.7", "layers.10")  # the decoder's large pictures: nearly all the work
BILINEAR = Image.Resampling.BILINEAR

Bytes = NDArray[np.uint8]
Composition = Literal["own luma", "upstream"]


def eight_bits(pixels: Pixels) -> Bytes:
    """Pixels of any depth at 8 bits, rounded."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    result = np.empty(pixels.shape, np.uint8)
    for band in strips(*pixels.shape[:2]):
        result[band] = (pixels[band] / np.float32(257)).round()
    return result


def grey_square(pixels: Bytes, side: int) -> Bytes:
    """A photo (H, W) or (H, W, 3) stretched to a square and made grey, as the network was trained:
    (side, side).
    """
    picture = Image.fromarray(pixels).convert("RGB").resize((side, side), BILINEAR)
    return np.asarray(picture.convert("L"))


def forward(engine: Engine, grey: Bytes) -> Array:
    """The network's answer (S, S, 3), ImageNet-normalised, to grey (S, S)."""
    normal = (grey[..., None].astype(np.float32) / np.float32(255) - MEAN) / STD
    batch = np.ascontiguousarray(normal.transpose(2, 0, 1))[None]
    answer: Array = engine(batch)[0].transpose(1, 2, 0)
    return answer


def guide_size(width: int, height: int, side: int) -> tuple[int, int]:
    """The photo's shape with as many pixels as the network's square, or its own size if smaller."""
    scale = min(1.0, side / (width * height) ** 0.5)
    return max(1, round(width * scale)), max(1, round(height * scale))


def transferred(original: Bytes, coloured: Bytes) -> Bytes:
    """Y of `original` with U and V of `coloured`, (H, W, 3) each, in OpenCV's 8-bit integers."""
    result = np.empty_like(original)
    for band in strips(*original.shape[:2]):
        y, _, _ = yuv(original[band])
        _, u, v = yuv(coloured[band])
        u, v = u - 128, v - 128
        red, green, blue = scaled(18678 * v), scaled(-6472 * u - 9519 * v), scaled(33292 * u)
        result[band] = np.stack([y + red, y + green, y + blue], -1).clip(0, 255)
    return result


def yuv(rgb: Bytes) -> tuple[NDArray[np.int32], ...]:
    red, green, blue = np.moveaxis(rgb.astype(np.int32), -1, 0)
    y = scaled(4899 * red + 9617 * green + 1868 * blue)
    planes = (y, scaled(8061 * (blue - y)) + 128, scaled(14369 * (red - y)) + 128)
    return tuple(plane.clip(0, 255) for plane in planes)


def scaled(value: NDArray[np.int32]) -> NDArray[np.int32]:
    """Fixed point with 14 fractional bits to the nearest integer."""
    return (value + (1 << 13)) >> 14


def paint(
    engine: Engine,
    photo: Photograph,
    render_factor: int,
    strength: float = 1.0,
    composition: Composition = "own luma",
) -> Photograph:
    """The photo in the network's colours.

    "own luma" keeps the photo's L* exactly, at its bit depth (ml.compose). "upstream" is DeOldify's
    own: 8-bit YUV, luma within rounding, no strength.
    """
    side = STRIDE * render_factor
    pixels = eight_bits(photo.pixels)
    colour = (forward(engine, grey_square(pixels, side)) * STD + MEAN).clip(0, 1)  # sRGB
    if composition == "own luma":
        ab = lab_from_rgb(colour)[..., 1:] * np.float32(strength)
        return compose(photo, ab, small_luma(photo, *guide_size(*photo.size, side)))
    small = Image.fromarray((colour * 255).astype(np.uint8))  # upstream truncates
    coloured = np.asarray(small.resize(photo.size, BILINEAR))
    alpha = None if photo.alpha is None else eight_bits(photo.alpha)
    original = np.asarray(Image.fromarray(pixels).convert("RGB"))
    return replace(photo, pixels=transferred(original, coloured), alpha=alpha)


class DeOldify:
    def __init__(self, engine: Engine, render_factor: int) -> None:
        self.engine, self.render_factor = engine, render_factor

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        """The photo in colour, same size. Reads `strength` and `render_factor` (7-45)."""
        factor = settings.render_factor or self.render_factor
        if factor not in RENDER_FACTORS:
            raise ValueError(f"render factor {factor} is not within 7-45")
        return paint(self.engine, photo, factor, settings.strength)


def load(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    """A DeOldify colorizer. Whether it is Artistic or Stable, the file decides. Raises
    ModelUnavailable with the reason if it is neither.
    """
    example = np.zeros((1, 3, 4 * STRIDE, 4 * STRIDE), np.float32)
    return DeOldify(engines.load(spec, path, device, [example], TILED), spec.size // STRIDE)
