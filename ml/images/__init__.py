"""Photographs in and out: opened safely, upright, in sRGB, at full depth, saved as they came."""

from ml.images.opening import check_photo, open_photo
from ml.images.photograph import MIME, SUFFIX, Header, Limits, Photograph, Pixels
from ml.images.saving import downscaled, save_photo, save_preview

__all__ = [
    "MIME",
    "SUFFIX",
    "Header",
    "Limits",
    "Photograph",
    "Pixels",
    "check_photo",
    "downscaled",
    "open_photo",
    "save_photo",
    "save_preview",
]
