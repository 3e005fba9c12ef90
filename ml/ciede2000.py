"""CIEDE2000 (CIE 142-2001; Sharma, Wu, Dalal 2005), in the precision of its inputs.

The formula is the published one, without its detours through angles: hues are kept as unit
vectors, so that the mean hue is their bisector, the hue difference a dot and a cross product, and
the cosines of its multiples are polynomials. Pixels are taken in blocks that stay in the
processor's cache.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

BLOCK = 1 << 14  # pixels whose temporaries fit into a core's cache together
NO_CHROMA = 1e-12  # below it a colour has no hue
# Half the length of the sum of two unit vectors below which they count as opposite: beneath it the
# bisector is all rounding, and the mean of the angles is taken as published.
OPPOSITE = 0.02
ARC_TANGENT = (
    0.0028662257, -0.0161657367, 0.0429096138, -0.0752896400, 0.1065626393,
    -0.1420889944, 0.1999355085, -0.3333314528, 1.0,
)  # fmt: skip


def delta_e00(lab1: Floats, lab2: Floats) -> NDArray[np.float32]:
    """CIEDE2000 difference per pixel, k = 1: CIELAB (..., 3) twice to (...).

    Inputs broadcast. Computed in their own precision, so float64 in is float64 inside.
    """
    kind = np.result_type(lab1, lab2, np.float32)
    pair = np.broadcast_arrays(np.asarray(lab1, kind), np.asarray(lab2, kind))
    flat1, flat2 = (lab.reshape(-1, 3) for lab in pair)
    result = np.empty(len(flat1), np.float32)
    for start in range(0, len(flat1), BLOCK):
        block = slice(start, start + BLOCK)
        channels = (np.ascontiguousarray(flat[block].T) for flat in (flat1, flat2))
        result[block] = _difference(*channels)
    return result.reshape(pair[0].shape[:-1])


def _difference(lab1: Floats, lab2: Floats) -> Floats:
    """One block, (3, n) twice to (n,). Names are those of Sharma, Wu, Dalal, section 2."""
    (l1, a1, b1), (l2, a2, b2) = lab1, lab2
    stretch = 1.5 - _chroma_weight((_length(a1, b1) + _length(a2, b2)) / 2) / 2
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = _length(a1, b1), _length(a2, b2)
    cosine, sine = _mean_hue((a1, b1, c1), (a2, b2, c2))
    mean = (c1 + c2) / 2
    lightness = np.square((l1 + l2) / 2 - 50)
    s_l = 1 + 0.015 * lightness / np.sqrt(20 + lightness)
    s_c = 1 + 0.045 * mean
    s_h = 1 + 0.015 * mean * _hue_weight(cosine, sine)
    turn = np.sin(np.pi / 3 * np.exp(-np.square(_from_blue(cosine, sine) / 25)))
    by_l, by_c = (l2 - l1) / s_l, (c2 - c1) / s_c
    by_h = _hue_difference((a1, b1, c1), (a2, b2, c2)) / s_h
    squares = by_l * by_l + by_c * by_c + by_h * by_h
    squares -= 2 * _chroma_weight(mean) * turn * by_c * by_h
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def _length(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.sqrt(a * a + b * b))


def _chroma_weight(chroma: Floats) -> Floats:
    """sqrt(C^7 / (C^7 + 25^7))."""
    share = chroma / 25
    cube = share * share * share
    seventh = cube * cube * share
    return np.asarray(np.sqrt(seventh / (seventh + 1)))


def _hue_weight(cosine: Floats, sine: Floats) -> Floats:
    """T of the mean hue, from its cosine and sine by the formulas of multiple angles."""
    twice = 2 * cosine * cosine - 1, 2 * sine * cosine
    thrice = twice[0] * cosine - twice[1] * sine, twice[1] * cosine + twice[0] * sine
    fourth = 2 * twice[0] * twice[0] - 1, 2 * twice[0] * twice[1]
    terms = ((-0.17, -30, (cosine, sine)), (0.32, 6, thrice), (-0.20, -63, fourth))
    result = 1 + 0.24 * twice[0]
    for factor, shift, (cos, sin) in terms:  # factor * cos(n h + shift)
        result += factor * _cos(shift) * cos - factor * _sin(shift) * sin
    return np.asarray(result)


@functools.cache
def _cos(degrees: int) -> float:
    return float(np.cos(np.deg2rad(degrees)))


@functools.cache
def _sin(degrees: int) -> float:
    return float(np.sin(np.deg2rad(degrees)))


Polar = tuple[Floats, Floats, Floats]  # a', b, C'


def _hue_difference(one: Polar, two: Polar) -> Floats:
    """Delta H' = 2 sqrt(C1' C2') sin(dh / 2), its sign that of the turn from one to two."""
    (a1, b1, c1), (a2, b2, c2) = one, two
    cross = a1 * b2 - a2 * b1
    # |C1 C2| (1 - cos dh) without its cancellation at small angles: cross^2 / (1 + cos dh)
    dot, product = a1 * a2 + b1 * b2, c1 * c2
    near = cross * cross / np.maximum(product + np.abs(dot), NO_CHROMA)
    square = np.where(dot > 0, near, product - dot)
    return np.asarray(np.copysign(np.sqrt(2 * square), cross))


def _mean_hue(one: Polar, two: Polar) -> tuple[Floats, Floats]:
    """Cosine and sine of the mean hue; both 0 between two greys, where no term asks for them."""
    (a1, b1, c1), (a2, b2, c2) = one, two
    scale1, scale2 = (1 / np.maximum(c, NO_CHROMA) for c in (c1, c2))
    x, y = a1 * scale1 + a2 * scale2, b1 * scale1 + b2 * scale2
    length = _length(x, y)
    scale = 1 / np.maximum(length, NO_CHROMA)
    x, y = x * scale, y * scale
    unclear = (length < 2 * OPPOSITE) & (np.minimum(c1, c2) > NO_CHROMA)
    if unclear.any():
        hue = _published_mean(*(plane[unclear] for plane in (a1, b1, a2, b2)))
        x[unclear], y[unclear] = np.cos(hue), np.sin(hue)
    return x, y


def _published_mean(a1: Floats, b1: Floats, a2: Floats, b2: Floats) -> Floats:
    """Equations 7 and 14, in radians: the mean of the angles of opposite hues. In float64 always:
    at exactly 180 degrees a rounding would turn it round.
    """
    pairs = ((a1, b1), (a2, b2))
    h1, h2 = (np.arctan2(b.astype(float), a.astype(float)) % (2 * np.pi) for a, b in pairs)
    turn = np.where(h1 + h2 < 2 * np.pi, np.pi, -np.pi)
    return np.asarray((h1 + h2) / 2 + np.where(np.abs(h1 - h2) > np.pi, turn, 0))


def _from_blue(cosine: Floats, sine: Floats) -> Floats:
    """Degrees between a hue in 0..360 and 275, not across 0.

    numpy's arc tangent takes twice as long as all the rest; this one is Abramowitz and Stegun
    4.4.49, right to 2e-8.
    """
    near = cosine * _cos(275) + sine * _sin(275)  # cosine and sine of the angle between them
    turn = sine * _cos(275) - cosine * _sin(275)
    half = np.abs(turn) / (1 + np.abs(near))  # tangent of half the angle, or of its supplement
    square = half * half
    series = np.full_like(square, ARC_TANGENT[0])
    for factor in ARC_TANGENT[1:]:
        series = series * square + factor
    angle = series * half * (360 / np.pi)
    angle = np.where(near < 0, 180 - angle, angle)
    return np.asarray(np.where((turn > 0) & (angle >= 85), 360 - angle, angle))
