"""Photographs drawn by the tests, and free ones that scikit-image ships."""

import numpy as np
from numpy.typing import NDArray
from skimage import data

from ml.images import Photograph


def photograph(pixels: NDArray[np.uint8] | NDArray[np.uint16], form: str = "PNG") -> Photograph:
    return Photograph(pixels=pixels, alpha=None, format=form, exif=b"", dpi=None, xmp=b"")


def ramp(height: int = 64, width: int = 96, dtype: type = np.uint8) -> NDArray[np.uint8]:
    """Grey values from black to white with some texture."""
    top = np.iinfo(dtype).max
    rows, columns = np.mgrid[:height, :width]
    values = (columns / (width - 1) * 0.9 + 0.1 * (np.sin(rows / 3) + 1) / 2) * top
    return values.round().astype(dtype)


def cameraman() -> NDArray[np.uint8]:
    """scikit-image's camera (CC0, Lav Varshney), 512x512 grey."""
    return np.asarray(data.camera())


def astronaut() -> NDArray[np.uint8]:
    """scikit-image's astronaut (NASA, public domain), 512x512 RGB."""
    return np.asarray(data.astronaut())
