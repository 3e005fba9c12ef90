"""Zhang's two networks: L* at 256 x 256 in, ab at the same size out."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ml.backends import lab
from ml.backends.checkpoints import fill, processor, read, tensors
from ml.backends.coloria import hint_planes
from ml.color import Array
from ml.compose import compose, small_luma
from ml.images import Photograph
from ml.images.planes import to_eight
from ml.nets.zhang import AB, ECCV16, SIGGRAPH17
from ml.spec import Colorizer, Hint, ModelSpec, Settings

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


def upstream(photo: Photograph, ab: Array) -> Photograph:
    """The picture that upstream makes of `ab` (h, w, 2): 8-bit, ab interpolated without regard to
    the photo, and colours that sRGB cannot show clipped, which changes their luma.
    """
    height, width = photo.pixels.shape[:2]
    chroma = torch.from_numpy(ab).movedim(-1, 0)[None]
    if chroma.shape[2:] != (height, width):
        chroma = F.interpolate(chroma, (height, width), mode="bilinear", align_corners=False)
    colours = np.asarray(Image.fromarray(to_eight(photo.pixels)).convert("RGB"))
    rgb = lab.rgb(lab.lab(colours)[..., 0], chroma[0].movedim(0, -1).numpy())
    alpha = None if photo.alpha is None else to_eight(photo.alpha)
    return replace(photo, pixels=np.round(rgb * 255).astype(np.uint8), alpha=alpha)


class Zhang:
    def __init__(self, net: ECCV16 | SIGGRAPH17, device: torch.device) -> None:
        self.net, self.device = net.to(device), device

    @torch.inference_mode()
    def ab(self, luma: Array, hints: Array | None = None) -> Array:
        """ab (h, w, 2) of L* (h, w) and planes of hints (3, h, w), all in CIELAB units."""
        inputs = [torch.from_numpy(luma)[None]]
        if hints is not None and isinstance(self.net, SIGGRAPH17):
            planes = torch.from_numpy(hints)
            inputs += [planes[:2], planes[2:]]
        ab: Tensor = self.net(*(plane[None].to(self.device) for plane in inputs))
        return np.ascontiguousarray(ab[0].movedim(0, -1).cpu().numpy())

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


def load_net(kind: type[ECCV16] | type[SIGGRAPH17], path: Path, title: str) -> ECCV16 | SIGGRAPH17:
    """The network with the weights of a released checkpoint. Raises ModelUnavailable."""
    state = tensors(read(path, title), path, title)
    with torch.device("meta"):
        net = kind()
    return fill(net, state, path, title)


def eccv16(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    return Zhang(load_net(ECCV16, path, spec.title), processor(device))


def siggraph17(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    return Zhang(load_net(SIGGRAPH17, path, spec.title), processor(device))
