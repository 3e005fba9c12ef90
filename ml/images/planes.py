"""Arithmetic on planes of pixels, in bands: no temporary is as large as the photo."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.images import profiles
from ml.images.photograph import Pixels, strips

Depth = TypeVar("Depth", np.uint8, np.uint16)


def stored_view(upright: NDArray[Any], turn: int) -> NDArray[Any]:
    """A view of an upright picture in the order its file stores the pixels (EXIF orientation
    `turn`, 1-8).

    Writing through it turns the photo for nothing: no rotated copy of 300 MB.
    """
    flipped_x, flipped_y = upright[:, ::-1], upright[::-1]
    views = {
        1: upright,
        2: flipped_x,
        3: flipped_y[:, ::-1],
        4: flipped_y,
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: flipped_y[:, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }
    return views[turn]


def upright_shape(height: int, width: int, turn: int) -> tuple[int, int]:
    """(height, width) after turning; 5-8 lie on their side."""
    return (width, height) if turn > 4 else (height, width)


def turned(stored: NDArray[Depth], turn: int) -> NDArray[Depth]:
    """A contiguous upright copy of pixels as stored."""
    turn = turn if 1 <= turn <= 8 else 1
    shape = upright_shape(stored.shape[0], stored.shape[1], turn)
    upright = np.empty(shape + stored.shape[2:], stored.dtype)
    view = stored_view(upright, turn)
    for rows in strips(*stored.shape[:2]):
        view[rows] = stored[rows]
    return upright


def is_neutral(colours: Pixels) -> bool:
    """Whether red, green and blue (H, W, 3) are equal everywhere. Colour ends it at once."""
    return all(
        np.array_equal(colours[rows, :, 0], colours[rows, :, 1])
        and np.array_equal(colours[rows, :, 1], colours[rows, :, 2])
        for rows in strips(*colours.shape[:2])
    )


def scaled(samples: NDArray[Any], bits: int) -> NDArray[np.uint16]:
    """Samples of any number type as 0..65535.

    Unsigned integers by their depth. Signed and 32-bit ones and floats have no agreed white: 0..1,
    0..255 and 0..65535 are taken as they stand (by the extremes found), anything else is stretched
    from its least to its greatest.
    """
    low, factor = _range(samples, bits)
    out = np.empty(samples.shape, np.uint16)
    for rows in strips(*samples.shape[:2]):
        band = np.nan_to_num(samples[rows].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        out[rows] = ((band - low) * factor + 0.5).clip(0, 65535)
    return out


def _range(samples: NDArray[Any], bits: int) -> tuple[float, float]:
    """(black, factor to 65535)."""
    if samples.dtype.kind == "u" and bits <= 16:
        return 0.0, 65535 / (2**bits - 1)
    low, high = _extremes(samples)
    if low >= 0:
        floating = samples.dtype.kind == "f"
        for white in (1.0, 255.0, 65535.0) if floating else (65535.0,):
            if high <= white:
                return 0.0, 65535 / white
    return low, 65535 / ((high - low) or 1.0)


def _extremes(samples: NDArray[Any]) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for rows in strips(*samples.shape[:2]):
        finite = samples[rows][np.isfinite(samples[rows])]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def to_srgb16(colours: NDArray[np.uint16], icc: bytes) -> None:
    """Take 16-bit pixels (H, W) or (H, W, 3) from their profile's colours to sRGB, in place."""
    wanted = "GRAY" if colours.ndim == 2 else "RGB "
    if profiles.space(icc) != wanted:
        return
    if colours.ndim == 2:
        convert = _lookup(profiles.grey_curve(icc))
    else:
        convert = profiles.rgb16_converter(icc)
    if convert is not None:
        for rows in strips(*colours.shape[:2]):
            colours[rows] = convert(colours[rows])


def _lookup(curve: NDArray[np.uint16] | None) -> profiles.Convert16 | None:
    return None if curve is None else lambda band: curve[band]


def to_eight(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Sixteen bits rounded to eight; eight stay."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    out = np.empty(pixels.shape, np.uint8)
    for rows in strips(*pixels.shape[:2]):
        out[rows] = (pixels[rows].astype(np.uint32) + 128) // 257
    return out
