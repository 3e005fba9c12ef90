"""BigColor in the form that the parity pack's verify.py takes, through the production loader and
pipeline.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from ml import registry
from ml.backends.bigcolor import Painter
from tests.ml.parity_net import Net, installed
from tests.ml.photos import photograph

SPEC = registry.get("bigcolor-x")
assert SPEC.more
RAW, AVERAGED = SPEC.weights.file, SPEC.more.file


def build_bigcolor(checkpoint: Mapping[str, object], case: Mapping[str, Any]) -> Net:
    average = [checkpoint[AVERAGED]] if case["ema"] else []
    return installed(SPEC.name, checkpoint[RAW], *average)


def compose_bigcolor(
    net: Net, image: Image.Image, case: Mapping[str, Any], c: Tensor, z: Tensor
) -> Image.Image:
    assert isinstance(net.colorizer, Painter)
    painted = net.colorizer.paint(
        photograph(np.asarray(image)),
        int(c[0]),
        z[0].numpy(),
        composition="upstream",
        shape=case["mode"],
    )
    return Image.fromarray(painted.pixels)
