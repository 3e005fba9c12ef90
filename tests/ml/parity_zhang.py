"""Zhang's networks in the form that the parity pack's verify.py takes, through the production
loader and pipeline.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ml.backends.zhang import Zhang, load_net
from ml.nets.zhang import ECCV16, SIGGRAPH17
from tests.ml.photos import photograph


def on_disk(checkpoint: object, folder: str) -> Path:
    """The file of a checkpoint that came as a path or as what such a file holds."""
    if isinstance(checkpoint, str | Path):
        return Path(checkpoint)
    path = Path(folder) / "checkpoint.pth"
    torch.save(checkpoint, path)
    return path


def build(kind: type[ECCV16] | type[SIGGRAPH17], checkpoint: object) -> ECCV16 | SIGGRAPH17:
    with tempfile.TemporaryDirectory() as folder:
        return load_net(kind, on_disk(checkpoint, folder), kind.__name__)


def build_zhang_eccv16(checkpoint: object, case: Mapping[str, Any]) -> ECCV16 | SIGGRAPH17:
    return build(ECCV16, checkpoint)


def build_zhang_siggraph17(checkpoint: object, case: Mapping[str, Any]) -> ECCV16 | SIGGRAPH17:
    return build(SIGGRAPH17, checkpoint)


def compose_zhang(
    net: ECCV16 | SIGGRAPH17,
    image: Image.Image,
    case: Mapping[str, Any],
    input_B: Tensor | None = None,
    mask_B: Tensor | None = None,
) -> Image.Image:
    hints = None
    if input_B is not None and mask_B is not None:
        hints = torch.cat([input_B, mask_B], 1)[0].numpy()
    photo = photograph(np.asarray(image))
    painted = Zhang(net, torch.device("cpu")).paint(photo, hints, composition="upstream")
    return Image.fromarray(painted.pixels)


compose_zhang_eccv16 = compose_zhang_siggraph17 = compose_zhang
