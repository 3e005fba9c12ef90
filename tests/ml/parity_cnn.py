"""The report's U-Net in the form that the parity pack's verify.py takes, through the production
loader and pipeline.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.backends.cnn import Cnn
from tests.ml.keras_file import write
from tests.ml.parity_net import Net, installed
from tests.ml.photos import photograph


class LastChannels(Net):
    """Takes and returns channels last, as Keras does."""

    def __call__(self, x: NDArray[np.float32], **extra: Any) -> NDArray[Any]:
        answer = super().__call__(x.transpose(0, 3, 1, 2))
        return answer.transpose(0, 2, 3, 1)


def build_keras_unet(
    checkpoint: Sequence[NDArray[np.float32]] | str | Path, case: Mapping[str, Any]
) -> LastChannels:
    """checkpoint: what get_weights() gives, or a file that Keras saved."""
    if isinstance(checkpoint, str | Path):
        return LastChannels(installed("cnn", checkpoint).colorizer)
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "my_model.keras", "Keras 3.15", checkpoint)
        return LastChannels(installed("cnn", path).colorizer)


def compose_keras_unet(net: Net, image: Image.Image, case: Mapping[str, Any]) -> Image.Image:
    assert isinstance(net.colorizer, Cnn)
    painted = net.colorizer.paint(photograph(np.asarray(image)), composition="upstream")
    return Image.fromarray(painted.pixels)
