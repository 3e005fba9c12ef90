"""Colour science: sRGB and CIELAB, the ab bins, CIEDE2000, colourfulness.

All arrays are float32 unless a docstring says otherwise; L is 0..100, a and b are CIELAB units
under D65.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from ml.ciede2000 import delta_e00

__all__ = [
    "ab_bins",
    "colourfulness",
    "delta_e00",
    "lab_from_rgb",
    "linear_from_lab",
    "linear_from_srgb",
    "luma_from_y",
    "srgb_from_linear",
]

Array = NDArray[np.float32]

# IEC 61966-2-1 primaries, D65; rows sum to the white point.
RGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ],
    np.float32,
)
WHITE = RGB_TO_XYZ.sum(axis=1)
XYZ_TO_RGB = np.linalg.inv(RGB_TO_XYZ.astype(np.float64)).astype(np.float32)
EPSILON, KAPPA = 216 / 24389, 24389 / 27  # CIE 15:2004
BIN_STEP = 10  # Zhang et al. 2016, section 2.2: ab is quantised with grid size 10


def linear_from_srgb(srgb: Array) -> Array:
    """Undo the sRGB transfer curve; values 0..1 in and out, any shape."""
    srgb = np.asarray(srgb, np.float32)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


@functools.cache
def linear_of_codes() -> Array:
    """Linear light of the 256 values of an 8-bit sRGB channel."""
    return linear_from_srgb(np.arange(256, dtype=np.float32) / np.float32(255))


def srgb_from_linear(linear: Array) -> Array:
    """Apply the sRGB transfer curve; values are clipped to 0..1."""
    linear = np.clip(np.asarray(linear, np.float32), 0, 1)
    return np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055
    ).astype(np.float32)


def luma_from_y(y: Array) -> Array:
    """CIE L* (0..100) of relative luminance Y (0..1)."""
    y = np.asarray(y, np.float32)
    return np.where(y > EPSILON, 116 * np.cbrt(y) - 16, KAPPA * y).astype(np.float32)


def lab_from_rgb(rgb: NDArray[np.uint8] | Array) -> Array:
    """CIELAB of sRGB: (..., 3) uint8, or float 0..1, to (..., 3) float32."""
    if rgb.dtype == np.uint8:
        linear = linear_of_codes()[rgb]
    else:
        linear = linear_from_srgb(np.asarray(rgb, np.float32))
    xyz = linear @ RGB_TO_XYZ.T / WHITE
    f = np.where(xyz > EPSILON, np.cbrt(xyz), (KAPPA * xyz + 16) / 116)
    lab = np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])],
        axis=-1,
    )
    return lab.astype(np.float32)


def linear_from_lab(lab: Array) -> Array:
    """Linear RGB of CIELAB, unclipped: a value outside 0..1 is outside the sRGB gamut."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f**3 > EPSILON, f**3, (116 * f - 16) / KAPPA) * WHITE
    return np.asarray(xyz @ XYZ_TO_RGB.T, np.float32)


@functools.cache
def ab_bins() -> Array:
    """Centres (Q, 2) of the ab cells, side 10, that some sRGB colour falls into.

    Zhang, Isola, Efros 2016 (Colorful Image Colorization), section 2.2.
    """
    levels = np.linspace(0, 1, 64, dtype=np.float32)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    cells = np.round(lab_from_rgb(cube)[:, 1:] / BIN_STEP).astype(np.int32)
    return (np.unique(cells, axis=0) * BIN_STEP).astype(np.float32)


def colourfulness(rgb: NDArray[np.uint8]) -> float:
    """Hasler and Suesstrunk 2003, M^(3) of an 8-bit sRGB image (H, W, 3); 0 is grey."""
    red, green, blue = np.moveaxis(rgb.astype(np.float32), -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    spread = np.hypot(rg.std(), yb.std())
    return float(spread + 0.3 * np.hypot(rg.mean(), yb.mean()))
