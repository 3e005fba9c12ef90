"""BigColor in the form that the parity pack's verify.py takes, through the production loader and
pipeline.
"""

import tempfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ml.backends.bigcolor import AVERAGED, RAW, Painter, load_net
from ml.nets.bigcolor import BigColor
from tests.ml.parity_zhang import on_disk
from tests.ml.photos import photograph


def build_bigcolor(checkpoint: Mapping[str, object], case: Mapping[str, Any]) -> BigColor:
    with tempfile.TemporaryDirectory() as raw, tempfile.TemporaryDirectory() as average:
        path = on_disk(checkpoint[RAW], raw)
        return load_net(
            path, "BigColor", on_disk(checkpoint[AVERAGED], average) if case["ema"] else None
        )


def compose_bigcolor(
    net: BigColor, image: Image.Image, case: Mapping[str, Any], c: Tensor, z: Tensor
) -> Image.Image:
    painter = Painter(net, torch.device("cpu"))
    painted = painter.paint(
        photograph(np.asarray(image)),
        int(c[0]),
        z[0].numpy(),
        composition="upstream",
        shape=case["mode"],
    )
    return Image.fromarray(painted.pixels)
