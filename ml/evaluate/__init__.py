"""How well models colour: dE00 against grey on photos whose colour is known.

Photos are reduced to a long side of 512 px, turned grey by their own luma, coloured, and compared
with the reduced original: CIEDE2000 between 8-bit sRGB images, mean over pixels, then over photos.
Grey is always the first row.
"""

from ml.evaluate.figures import bootstrap, verdict
from ml.evaluate.measure import Contender, evaluate
from ml.evaluate.photos import LONG_SIDE, SUFFIXES, grey_of, photos, set_hash, three

__all__ = [
    "LONG_SIDE",
    "SUFFIXES",
    "Contender",
    "bootstrap",
    "evaluate",
    "grey_of",
    "photos",
    "set_hash",
    "three",
    "verdict",
]
