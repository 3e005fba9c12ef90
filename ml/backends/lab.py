"""CIELAB exactly as scikit-image computes it, which Zhang's and BigColor's pictures were made with.

The rest of COLORIA uses ml.color, whose white and matrix agree with each other.
"""

import warnings

import numpy as np
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab

from ml.color import Array
from ml.images.photograph import strips


def lab(rgb: NDArray[np.uint8] | Array) -> Array:
    """CIELAB (H, W, 3), float32, of sRGB (H, W, 3): uint8, or float 0..1."""
    result = np.empty(rgb.shape, np.float32)
    for rows in strips(*rgb.shape[:2]):
        result[rows] = rgb2lab(rgb[rows])
    return result


def rgb(lightness: Array, ab: Array) -> Array:
    """sRGB (H, W, 3), 0..1, of L* (H, W) and ab (H, W, 2); what sRGB cannot show is clipped."""
    result = np.empty((*lightness.shape, 3), np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*negative Z values")  # upstream clips as well
        for rows in strips(*lightness.shape):
            pixels = np.dstack([lightness[rows], ab[rows]])
            result[rows] = lab2rgb(pixels)
    return result
