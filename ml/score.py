"""How believable are colours for a photo? By the distribution that the bundled model sees in it.

Plain likelihood would choose the greyest of several candidates, because near-grey is likely in
every photo. What counts is how much likelier a colour is at its place than in photos at large: log
p(ab | photo, place) - log p(ab). benchmarks/choosing.py compares this score with others.
"""

import functools
from collections.abc import Sequence

import numpy as np
from scipy.spatial import KDTree

from ml.color import Array, ab_bins
from ml.compose import resized

BLUR = 15.0  # ab units: colours closer than this count as nearly the same
FLOOR = 1e-4  # density below which colours are equally unlikely

# Density of colours in photos at large, blurred: falls with the distance from CENTRE as
# (1 + (distance / SPREAD)^2)^-FALL. Fitted by benchmarks/choosing.py --fit.
CENTRE = np.array([2.3, 3.9], np.float32)
SPREAD, FALL = 55.6, 5.19


@functools.cache
def blur() -> Array:
    """Gaussian between all pairs of bins, (Q, Q)."""
    squared = ((ab_bins()[:, None] - ab_bins()) ** 2).sum(-1)
    return np.asarray(np.exp(-squared / (2 * BLUR**2)), np.float32)


def density(logits: Array) -> Array:
    """Blurred probability of each bin, (Q, ...), of logits (Q, ...)."""
    weight = np.exp(logits - logits.max(0))
    return np.asarray(np.tensordot(blur(), weight / weight.sum(0), 1), np.float32)


@functools.cache
def commonness() -> Array:
    """Log density (Q,) of each bin in photos at large, up to a constant."""
    squared = ((ab_bins() - CENTRE) ** 2).sum(-1)
    return np.asarray(-FALL * np.log1p(squared / SPREAD**2), np.float32)


def evidence(logits: Array) -> Array:
    """How much each bin's colour gains by what is seen at each place: (Q, h, w) of logits (Q, h,
    w), in nats.
    """
    found = np.log(density(logits) + FLOOR) - commonness()[:, None, None]
    return np.asarray(found, np.float32)


@functools.cache
def bins() -> KDTree:
    return KDTree(ab_bins())


def score(seen: Array, ab: Array) -> float:
    """Mean evidence (Q, h, w) for colours ab (h', w', 2) of any size."""
    height, width = seen.shape[1:]
    small = [resized(np.ascontiguousarray(ab[..., axis]), width, height) for axis in (0, 1)]
    _, nearest = bins().query(np.stack(small, -1))
    return float(np.take_along_axis(seen, nearest[None], 0).mean())


def best(logits: Array, candidates: Sequence[Array]) -> int:
    """Which of several ab (h', w', 2) suits a photo best; logits (Q, h, w) are the bundled model's.
    Of equals the first.
    """
    seen = evidence(logits)
    return int(np.argmax([score(seen, ab) for ab in candidates]))
