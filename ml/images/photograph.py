"""What a photograph is inside COLORIA, and the formats it may come and go in."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

MIME = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}
SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp"}

# Pillow's names of what may come in, and what it goes out as. MPO is how phones write a JPEG with a
# second view; the 256 colours of a GIF cannot hold the result.
FORMATS = {
    "JPEG": "JPEG",
    "MPO": "JPEG",
    "PNG": "PNG",
    "WEBP": "WEBP",
    "TIFF": "TIFF",
    "BMP": "BMP",
    "GIF": "PNG",
}
# libwebp's encoder holds about 11 bytes a pixel: at this size a result still fits into 1.5 GB.
WEBP_PIXELS = 64_000_000


def goes_out_as(form: str, size: tuple[int, int]) -> str:
    """The format (a key of MIME) of the result of a photo that came in as `form`, Pillow's name."""
    out = FORMATS[form]
    return "PNG" if out == "WEBP" and size[0] * size[1] > WEBP_PIXELS else out


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photo: upright, in sRGB, with what its file said about it."""

    pixels: Pixels  # (H, W) grey or (H, W, 3) sRGB; uint8 or uint16
    alpha: Pixels | None = None  # (H, W), same dtype, not premultiplied
    format: str = "PNG"  # a key of MIME
    exif: bytes = b""  # as in a JPEG's APP1, without orientation and thumbnail
    dpi: tuple[float, float] | None = None
    xmp: bytes = b""  # a packet, without orientation and thumbnail
    iptc: bytes = b""  # IPTC-IIM records
    lossless: bool = True  # only WebP, which can be either, asks

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one upload may be. A megabyte is 1024 x 1024 bytes here, the kinder reading."""

    megapixels: int = 100
    megabytes: int = 50


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's first bytes say: the format it will be saved in, and its upright size."""

    format: str
    width: int
    height: int


def strips(height: int, width: int) -> Iterator[slice]:
    """Bands of rows, about a megapixel each: whole temporaries are what fills the memory."""
    rows = max(1, 2**20 // max(1, width))
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))
