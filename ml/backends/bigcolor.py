"""BigColor: grey in, colours out, as an ImageNet class and a latent vector would have them.

Upstream lets an EfficientNet-L2 of 475 pixels choose the class, and draws the latent unseeded. Here
both are given, or drawn from the seed: the same seed gives the same picture.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ml.backends import lab
from ml.backends.checkpoints import fill, processor, read, refusal, tensors
from ml.color import Array, lab_from_rgb
from ml.compose import compose, small_luma
from ml.images import Photograph
from ml.images.photograph import strips
from ml.images.planes import to_eight
from ml.nets.bigcolor import CLASSES, LATENT, STRIDE, BigColor
from ml.spec import Colorizer, ModelSpec, Settings

SIDE = 256  # pixels of the shorter side of the network's input
MAX_RATIO = 4  # a longer strip is squeezed: attention's memory grows with the square of the area
DEVIATION = 0.8  # of the latent's normal distribution
GREY = (0.2989, 0.587, 0.114)  # upstream's weights of red, green and blue
RAW, AVERAGED = "EG_011.ckpt", "EG_EMA_011.ckpt"

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


def resize(planes: Tensor, width: int, height: int) -> Tensor:
    """(B, C, h, w) to (B, C, height, width), bilinear and smoothed where it shrinks."""
    return F.interpolate(planes, (height, width), mode="bilinear", antialias=True)


def upstream(photo: Photograph, colours: Array) -> Photograph:
    """The picture that upstream makes of `colours` (h, w, 3), 0..1: 8-bit, truncated, and with the
    grey value x 100 taken for L*, which changes the photo's brightness.
    """
    height, width = photo.pixels.shape[:2]
    full = resize(torch.from_numpy(colours).movedim(-1, 0)[None], width, height)
    ab = lab.lab(full[0].movedim(0, -1).numpy())[..., 1:]
    rgb = lab.rgb(grey(photo) * np.float32(100), ab)
    alpha = None if photo.alpha is None else to_eight(photo.alpha)
    return replace(photo, pixels=(rgb * np.float32(255)).astype(np.uint8), alpha=alpha)


class Painter:
    def __init__(self, net: BigColor, device: torch.device) -> None:
        self.net, self.device = net.to(device), device

    @torch.inference_mode()
    def colours(self, photo: Photograph, label: int, latent: Array, shape: Shape) -> Array:
        """The network's own picture (h, w, 3), 0..1, at its own size."""
        size = input_size(*photo.size, shape)
        x = resize(torch.from_numpy(grey(photo))[None, None], *size)
        z = torch.from_numpy(latent)[None]
        inputs = (x, torch.tensor([label]), z)
        y: Tensor = self.net(*(given.to(self.device) for given in inputs))
        return np.ascontiguousarray(((y[0] + 1) / 2).movedim(0, -1).cpu().numpy())

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


def averaged(
    state: Mapping[str, Tensor], names: list[str], path: Path, title: str
) -> dict[str, Tensor]:
    """`state` with the parameters `names` replaced by the nameless list in the file at `path`.

    Raises ModelUnavailable if the list is missing or of another length.
    """
    held = read(path, title)
    shadow = held.get("shadow_params") if isinstance(held, Mapping) else None
    if not isinstance(shadow, list) or not all(isinstance(value, Tensor) for value in shadow):
        raise refusal(title, path, "holds no averaged weights (shadow_params)")
    if len(shadow) != len(names):
        why = f"holds {len(shadow)} averaged weights, the network has {len(names)}"
        raise refusal(title, path, why)
    return {**state, **dict(zip(names, shadow, strict=True))}


def load_net(path: Path, title: str, average: Path | None = None) -> BigColor:
    """The network with upstream's raw weights, or with the averaged ones of the file `average`.

    Raises ModelUnavailable.
    """
    state = tensors(read(path, title), path, title)
    with torch.device("meta"):
        net = BigColor()
    if average is not None:
        state = averaged(state, [name for name, _ in net.named_parameters()], average, title)
        path = average
    return fill(net, state, path, title).ready()


def load(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    """`path` is a checkpoint with named weights, or a folder that holds upstream's RAW and AVERAGED
    files.
    """
    average = path / AVERAGED if path.is_dir() else None
    net = load_net(path / RAW if path.is_dir() else path, spec.title, average)
    return Painter(net, processor(device))
