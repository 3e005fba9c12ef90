"""TIFFs that Pillow does not read, or not at their depth: planar, with alpha, half-float RGB."""

import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ml.images import metadata
from ml.images.photograph import Photograph
from ml.images.planes import is_neutral, scaled, to_srgb16, turned

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BITS, SAMPLES, TILE_WIDTH, TILE_LENGTH = 258, 277, 322, 323
ORIENTATION, ICC, XMP, IPTC = 274, 34675, 700, metadata.IPTC_TAG
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2  # photometric interpretations
ASSOCIATED, UNASSOCIATED = 1, 2  # alpha, as extra samples
PLAIN, DEFLATE = 1, (8, 32946)  # compressions
DEEPEST = 8  # bytes a pixel: four samples of 16 bits
LARGEST_TILE = 2**26  # bytes; a tile may be larger than the photo


class Unsupported(Exception):
    """A sound TIFF that is not a photo we can read (raw sensor data, 16-bit Lab, volumes)."""


def size(path: Path) -> tuple[int, int]:
    """(width, height) of the first page as its header says."""
    with tifffile.TiffFile(path) as file:
        page = _first(file)
        return int(page.imagewidth), int(page.imagelength)


def _first(file: tifffile.TiffFile) -> tifffile.TiffPage:
    page = file.pages.first
    if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB) or page.imagedepth != 1:
        raise Unsupported(f"TIFF of photometric {page.photometric}, depth {page.imagedepth}")
    if page.samplesperpixel > 5 or page.dtype is None or not page.imagewidth * page.imagelength:
        raise Unsupported(f"TIFF of {page.samplesperpixel} samples of {page.dtype}")
    if page.nbytes > DEEPEST * page.imagewidth * page.imagelength:
        raise Unsupported(f"TIFF of {page.samplesperpixel} samples of {page.dtype}")
    if page.compression not in (PLAIN, *DEFLATE):  # no other has a bound on what it unpacks to
        raise Unsupported(f"TIFF of compression {page.compression}")
    return page


def measure_tile(tags: Any, size: tuple[int, int]) -> None:
    """Refuse tiles far larger than the photo, which Pillow would unpack whole. Strips it cuts."""
    width, length, samples = (int(tags.get(tag, 1)) for tag in (TILE_WIDTH, TILE_LENGTH, SAMPLES))
    deep = max(tags.get(BITS, (1,))) * samples / 8  # bytes a pixel
    if width * length * deep > max(prod(size) * deep, LARGEST_TILE):
        raise Unsupported(f"TIFF of tiles of {width} x {length} pixels")


def decode(path: Path) -> Photograph:
    """The first page, 16 bits deep."""
    with tifffile.TiffFile(path) as file:
        page = _first(file)
        turn = int(_value(page, ORIENTATION, 1))
        icc, xmp, iptc = (_value(page, tag, b"") for tag in (ICC, XMP, IPTC))
        dpi = metadata.read_dpi(page.get_resolution("INCH"))
        colours, alpha = _split(page, _samples(page))
    to_srgb16(colours, icc if isinstance(icc, bytes) else b"")
    if colours.ndim == 3 and is_neutral(colours):
        colours = np.ascontiguousarray(colours[..., 1])
    pixels = colours if turn == 1 else turned(colours, turn)
    return Photograph(
        pixels,
        None if alpha is None else turned(alpha, turn),
        "TIFF",
        metadata.read_exif(path, None, (pixels.shape[1], pixels.shape[0])),
        dpi,
        metadata.read_xmp(xmp),
        iptc if isinstance(iptc, bytes) else b"",
    )


def _value(page: tifffile.TiffPage, tag: int, default: Any) -> Any:
    found = page.tags.get(tag)
    return default if found is None else found.value


def _samples(page: tifffile.TiffPage) -> NDArray[Any]:
    """(H, W) or (H, W, samples) as stored."""
    _measure_strips(page)
    array = np.asarray(page.asarray(maxworkers=1))
    planar = page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and array.ndim == 3
    return np.moveaxis(array, 0, -1) if planar else array


def _measure_strips(page: tifffile.TiffPage) -> None:
    """Refuse strips and tiles that end after the file, share its bytes, or unpack to more than
    their share of the photo: tifffile gives black for the first and unpacks the others whole.
    """
    file = page.parent.filehandle
    places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if any(place + length > file.size for place, length in places):
        raise ValueError("truncated TIFF")
    if sum(page.databytecounts) > file.size:
        raise ValueError("TIFF of strips that overlap")
    room = prod(page.chunks) * (page.nbytes // page.size)
    if room > max(page.nbytes, LARGEST_TILE):
        raise Unsupported(f"TIFF of tiles of {room} bytes")
    for place, length in places if page.compression in DEFLATE else ():
        file.seek(place)
        if len(zlib.decompressobj().decompress(file.read(length), room + 1)) > room:
            raise ValueError(f"TIFF of a strip of more than {room} bytes")


def _split(
    page: tifffile.TiffPage, samples: NDArray[Any]
) -> tuple[NDArray[np.uint16], NDArray[np.uint16] | None]:
    """Colours (H, W) or (H, W, 3) and alpha (H, W), both uint16."""
    count = 3 if page.photometric == RGB else 1
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.ndim != 3 or samples.shape[-1] < count:
        raise Unsupported(f"TIFF of shape {samples.shape}")
    colours = scaled(samples[..., :count], int(page.bitspersample))
    if page.photometric == WHITE_IS_ZERO:
        np.subtract(65535, colours, out=colours)
    extra = page.extrasamples[0] if page.extrasamples else 0
    alpha = None
    if extra in (ASSOCIATED, UNASSOCIATED) and samples.shape[-1] > count:
        alpha = scaled(samples[..., count], int(page.bitspersample))
        if extra == ASSOCIATED:
            _divide(colours, alpha)
    return colours if count == 3 else colours[..., 0], alpha


def _divide(colours: NDArray[np.uint16], alpha: NDArray[np.uint16]) -> None:
    """Take the alpha out of premultiplied colours, in place."""
    for row, share in zip(colours, alpha, strict=True):
        straight = row * (65535 / np.maximum(share, 1))[:, None]
        row[:] = np.minimum(straight + 0.5, 65535).astype(np.uint16)
