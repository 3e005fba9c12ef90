"""Zhang's networks in the form that the parity pack's verify.py takes, through the production
loader and pipeline.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ml.backends.zhang import Zhang
from tests.ml.parity_net import Net, installed
from tests.ml.photos import photograph


def build_zhang_eccv16(checkpoint: object, case: Mapping[str, Any]) -> Net:
    return installed("zhang-eccv16", checkpoint)


def build_zhang_siggraph17(checkpoint: object, case: Mapping[str, Any]) -> Net:
    return installed("zhang-siggraph17", checkpoint)


def compose_zhang(
    net: Net,
    image: Image.Image,
    case: Mapping[str, Any],
    input_B: Tensor | None = None,
    mask_B: Tensor | None = None,
) -> Image.Image:
    assert isinstance(net.colorizer, Zhang)
    hints = None
    if input_B is not None and mask_B is not None:
        hints = torch.cat([input_B, mask_B], 1)[0].numpy()
    photo = photograph(np.asarray(image))
    return Image.fromarray(net.colorizer.paint(photo, hints, composition="upstream").pixels)


compose_zhang_eccv16 = compose_zhang_siggraph17 = compose_zhang
