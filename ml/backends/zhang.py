"""Zhang's two networks: L* at 256 x 256 in, ab at the same size out."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from scipy.ndimage import affine_transform

from ml.backends import engines, lab
from ml.backends.coloria import hint_planes
from ml.backends.engines import Engine
from ml.color import Array
from ml.compose import compose, small_luma
from ml.images import Photograph
from ml.images.planes import to_eight
from ml.spec import Colorizer, Hint, ModelSpec, Settings

AB = 110.0  # hint planes hold ab in this unit
TILED = ("model3", "model4", "model7", "model8")  # many channels, not dilated
SIDE = 256  # both sides of the networks' input, whatever the photo's shape: as upstream


def network_luma(photo: Photograph) -> Array:
    """L* (SIDE, SIDE) of the photo, resized as upstream does: 8-bit, bicubic, before L*."""
    photo8 = Image.fromarray(to_eight(photo.pixels))
    small = photo8.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return lab.lab(np.asarray(small.convert("RGB")))[..., 0]


def hints_in_lab(hints: tuple[Hint, ...]) -> Array | None:
    """Planes (3, SIDE, SIDE): a and b in CIELAB units where there is a hint, and a mask."""
    if not hints:
        return None
    return hint_planes(hints, SIDE, SIDE) * np.array([AB, AB, 1], np.float32)[:, None, None]


def stretched(ab: Array, width: int, height: int) -> Array:
    """ab (h, w, 2) at (height, width), bilinear and, as upstream does it, not smoothed where it
    shrinks.
    """
    scale = np.array([ab.shape[0] / height, ab.shape[1] / width])
    planes = [
        affine_transform(plane, scale, scale / 2 - 0.5, (height, width), order=1, mode="nearest")
        for plane in np.moveaxis(ab, -1, 0)
    ]
    return np.stack(planes, -1)


def upstream(photo: Photograph, ab: Array) -> Photograph:
    """The picture that upstream makes of `ab` (h, w, 2): 8-bit, ab interpolated without regard to
    the photo, and colours that sRGB cannot show clipped, which changes their luma.
    """
    height, width = photo.pixels.shape[:2]
    if ab.shape[:2] != (height, width):
        ab = stretched(ab, width, height)
    colours = np.asarray(Image.fromarray(to_eight(photo.pixels)).convert("RGB"))
    rgb = lab.rgb(lab.lab(colours)[..., 0], ab)
    alpha = None if photo.alpha is None else to_eight(photo.alpha)
    return replace(photo, pixels=np.round(rgb * 255).astype(np.uint8), alpha=alpha)


class Zhang:
    def __init__(self, engine: Engine, hinted: bool) -> None:
        self.engine, self.hinted = engine, hinted

    def ab(self, luma: Array, hints: Array | None = None) -> Array:
        """ab (h, w, 2) of L* (h, w) and planes of hints (3, h, w), all in CIELAB units."""
        inputs = [luma[None, None]]
        if self.hinted:
            planes = np.zeros((3, *luma.shape), np.float32) if hints is None else hints
            inputs += [planes[None, :2], planes[None, 2:]]
        return np.ascontiguousarray(self.engine(*inputs)[0].transpose(1, 2, 0))

    def paint(
        self,
        photo: Photograph,
        hints: Array | None = None,
        strength: float = 1.0,
        composition: Literal["luma", "upstream"] = "luma",
    ) -> Photograph:
        """The photo in colour. `hints` (3, SIDE, SIDE) in CIELAB units, or none.

        composition: "luma" keeps the photo's luma, depth and edges; "upstream" is upstream's own.
        """
        ab = self.ab(network_luma(photo), hints) * np.float32(strength)
        if composition == "upstream":
            return upstream(photo, ab)
        return compose(photo, ab, small_luma(photo, SIDE, SIDE))

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        """The photo in colour, same size. Reads `strength`, and SIGGRAPH17 `hints`."""
        return self.paint(photo, hints_in_lab(settings.hints), settings.strength)


def load(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    """A colorizer of either network; whether it takes hints, its row says."""
    hinted = "hints" in spec.options
    planes = [
        np.zeros((1, channels, 64, 64), np.float32) for channels in ([1, 2, 1] if hinted else [1])
    ]
    return Zhang(engines.load(spec, path, device, planes, TILED), hinted)
