"""Chroma onto a photo's own luma, at the photo's size and bit depth.

Every back end predicts ab at its own size; this module brings it to the photo. Chroma is upsampled
guided by the luma (fast guided filter: He and Sun 2015), so that colour edges sit on picture edges.
Luma is never changed: colours outside the sRGB gamut lose chroma at constant luma and hue, and
green is chosen last so that luminance is met after rounding.
"""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter

from ml.color import (
    KAPPA,
    RGB_TO_XYZ,
    WHITE,
    XYZ_TO_RGB,
    Array,
    linear_from_srgb,
    luma_from_y,
    srgb_from_linear,
)
from ml.images import Photograph

RADIUS = 4  # pixels of the guide at the network's size
SMOOTHNESS = 30.0  # squared luma units; above this variance an edge counts as an edge
STRIP = 1 << 18  # pixels that one thread holds in floating point at a time
KNEE = 6 / 29
BISECTIONS = 7  # halvings of chroma: the last step is below 1/100 of it
MARGIN = 2e-6  # linear light outside 0..1 that is float32's own rounding

Grey = NDArray[np.uint8] | NDArray[np.uint16]


def threads() -> int:
    """Processors that this process may use, eight at most: each thread holds a strip in floats."""
    free = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, free)


@functools.cache
def linear_table(depth: int) -> Array:
    """Linear light of every code value of an 8- or 16-bit sRGB channel."""
    return linear_from_srgb(np.arange(2**depth, dtype=np.float32) / (2**depth - 1))


@functools.cache
def luma_table(depth: int) -> Array:
    """CIE L* of every code value of 8- or 16-bit sRGB grey."""
    return luma_from_y(linear_table(depth))


@functools.cache
def code_table() -> NDArray[np.uint8]:
    """8-bit sRGB code of linear light in 1/65535 steps; the largest error is 0.03 code values."""
    linear = np.arange(65536, dtype=np.float32) / np.float32(65535)
    return (srgb_from_linear(linear) * 255).round().astype(np.uint8)


def encode(linear: Array, dtype: np.dtype) -> Grey:
    """sRGB code values of linear light, clipped to what `dtype` holds."""
    if dtype == np.uint8:
        return code_table()[(np.clip(linear, 0, 1) * 65535 + 0.5).astype(np.uint16)]
    return (srgb_from_linear(linear) * 65535 + 0.5).astype(np.uint16)


def luminance(pixels: Grey) -> Array:
    """Relative luminance Y (H, W), 0..1, of grey (H, W) or sRGB (H, W, 3) pixels."""
    table = linear_table(8 * pixels.dtype.itemsize)
    if pixels.ndim == 2:
        return table[pixels]
    red, green, blue = (table[pixels[..., channel]] for channel in range(3))
    weight = RGB_TO_XYZ[1]
    return np.asarray(weight[0] * red + weight[1] * green + weight[2] * blue, np.float32)


def luma(pixels: Grey) -> Array:
    """CIE L* (H, W), 0..100, of grey or sRGB pixels."""
    if pixels.ndim == 2:
        return luma_table(8 * pixels.dtype.itemsize)[pixels]
    return luma_from_y(luminance(pixels))


def small_luma(photo: Photograph, width: int, height: int) -> Array:
    """L* of the photo resized to (height, width), bicubic as our recipe crops photos, with never
    more than a strip of the photo in floating point.
    """
    tall, wide = photo.pixels.shape[:2]
    across, down = (max(1, n // (2 * m)) for n, m in ((wide, width), (tall, height)))
    rows = down * max(1, STRIP // (down * wide))  # of a strip; areas are averaged first
    strips = [
        np.asarray(Image.fromarray(luma(photo.pixels[top : top + rows])).reduce((across, down)))
        for top in range(0, tall, rows)
    ]
    reduced = Image.fromarray(np.concatenate(strips))
    box = (0, 0, wide / across, tall / down)
    small = reduced.resize((width, height), Image.Resampling.BICUBIC, box)
    return np.asarray(small).clip(0, 100)


def resized(channel: Array, width: int, height: int) -> Array:
    """One float channel (h, w) bilinearly resized to (height, width)."""
    return np.asarray(Image.fromarray(channel).resize((width, height), Image.Resampling.BILINEAR))


def guide(ab: Array, luma_small: Array) -> Array:
    """Linear model of chroma in luma: coefficients (4, h, w) so that a = k0 L + k1 and b = k2 L +
    k3 locally.

    ab (h', w', 2) of any size; luma_small (h, w). He and Sun 2015, Fast Guided Filter.
    """
    height, width = luma_small.shape
    size = 2 * RADIUS + 1
    mean = uniform_filter(luma_small, size)
    variance = uniform_filter(luma_small * luma_small, size) - mean * mean
    planes = []
    for channel in np.moveaxis(ab, -1, 0):
        chroma = resized(np.ascontiguousarray(channel, np.float32), width, height)
        average = uniform_filter(chroma, size)
        slope = (uniform_filter(luma_small * chroma, size) - mean * average) / (
            variance + SMOOTHNESS
        )
        planes += [uniform_filter(slope, size), uniform_filter(average - slope * mean, size)]
    return np.stack(planes).astype(np.float32)


def cubed(f: Array) -> Array:
    """XYZ over white of CIELAB's f, with the linear part below the knee (CIE 15:2004)."""
    return np.where(f > KNEE, f * f * f, (116 * f - 16) / np.float32(KAPPA))


def linear_rgb(y: Array, lightness: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Linear red, green and blue of luminance and ab, unclipped."""
    fy = (lightness + np.float32(16)) / np.float32(116)
    x = cubed(fy + a / np.float32(500)) * WHITE[0]
    z = cubed(fy - b / np.float32(200)) * WHITE[2]
    red, green, blue = (row[0] * x + row[1] * y + row[2] * z for row in XYZ_TO_RGB)
    return red, green, blue


def outside(red: Array, green: Array, blue: Array) -> NDArray[np.bool_]:
    low = np.minimum(np.minimum(red, green), blue)
    high = np.maximum(np.maximum(red, green), blue)
    return (low < -MARGIN) | (high > 1 + MARGIN)


def into_gamut(y: Array, lightness: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Red and blue, linear, with chroma reduced at constant luma and hue where sRGB cannot show the
    colour.
    """
    red, green, blue = linear_rgb(y, lightness, a, b)
    bad = outside(red, green, blue)
    if bad.any():
        y_bad, l_bad, a_bad, b_bad = y[bad], lightness[bad], a[bad], b[bad]
        inside, step = np.zeros_like(y_bad), np.float32(0.5)
        for _ in range(BISECTIONS):
            trial = inside + step
            over = outside(*linear_rgb(y_bad, l_bad, a_bad * trial, b_bad * trial))
            inside = np.where(over, inside, trial)
            step *= np.float32(0.5)
        red[bad], _, blue[bad] = linear_rgb(y_bad, l_bad, a_bad * inside, b_bad * inside)
    return red, blue


def paint(y: Array, lightness: Array, a: Array, b: Array, out: Grey) -> None:
    """sRGB of luminance, L* and ab, all (H, W), into `out` (H, W, 3)."""
    red, blue = into_gamut(y, lightness, a, b)
    out[..., 0], out[..., 2] = encode(red, out.dtype), encode(blue, out.dtype)
    table = linear_table(8 * out.dtype.itemsize)
    from_red, from_green, from_blue = RGB_TO_XYZ[1]
    green = (y - from_red * table[out[..., 0]] - from_blue * table[out[..., 2]]) / from_green
    out[..., 1] = encode(green, out.dtype)


def compose(photo: Photograph, ab: Array, luma_small: Array) -> Photograph:
    """The photo in colour: `ab` (h', w', 2) in CIELAB units, upsampled along `luma_small` (h, w),
    L* of the photo.

    Size, bit depth, alpha and metadata are the photo's; its L* changes by rounding only.
    """
    height, width = photo.pixels.shape[:2]
    planes = [Image.fromarray(plane) for plane in guide(ab, luma_small)]
    small_height, small_width = luma_small.shape
    result = np.empty((height, width, 3), photo.pixels.dtype)
    rows = max(1, STRIP // width)

    def strip(top: int) -> None:
        bottom = min(height, top + rows)
        box = (0, top * small_height / height, small_width, bottom * small_height / height)
        a1, a0, b1, b0 = (
            np.asarray(plane.resize((width, bottom - top), Image.Resampling.BILINEAR, box))
            for plane in planes
        )
        y = luminance(photo.pixels[top:bottom])
        lightness = luma_from_y(y)
        paint(y, lightness, a1 * lightness + a0, b1 * lightness + b0, result[top:bottom])

    with ThreadPoolExecutor(threads()) as pool:
        for _ in pool.map(strip, range(0, height, rows)):
            pass
    return replace(photo, pixels=result)
