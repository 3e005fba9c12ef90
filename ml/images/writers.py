"""Two formats written a band at a time, because Pillow keeps colour in 8 bits: 16-bit PNG and TIFF.

Chunks and directories are a few lines; the work is zlib's. (pypng filters in Python, far slower;
tifffile has no place for the Exif and GPS directories.)
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from ml.images.directory import BYTE, LONG, RATIONAL, SHORT, UNDEFINED, Entry, header, write_tree
from ml.images.metadata import IPTC_TAG, PREFIX, parse_exif
from ml.images.photograph import Photograph, strips

LEVEL = 2  # of zlib: on photographs 4 and 6 take longer and pack no better
INCH = 0.0254  # metres


def samples(photo: Photograph) -> Iterator[NDArray[Any]]:
    """Bands (rows, W, channels) of colours and, if there is one, alpha."""
    height, width = photo.pixels.shape[:2]
    for rows in strips(height, width):
        colours = photo.pixels[rows].reshape(-1, width, channels(photo))
        parts = [colours] if photo.alpha is None else [colours, photo.alpha[rows][..., None]]
        yield np.concatenate(parts, axis=-1)


def channels(photo: Photograph) -> int:
    """1 or 3, without alpha."""
    return 1 if photo.pixels.ndim == 2 else 3


# PNG (ISO/IEC 15948)


def write_png16(photo: Photograph, file: BinaryIO, icc: bytes) -> None:
    width, height = photo.size
    colour_type = (0 if channels(photo) == 1 else 2) + (0 if photo.alpha is None else 4)
    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
    _chunk(file, b"iCCP", b"sRGB\0\0" + zlib.compress(icc))
    if photo.dpi:
        _chunk(file, b"pHYs", struct.pack(">IIB", *(round(n / INCH) for n in photo.dpi), 1))
    if photo.exif:
        _chunk(file, b"eXIf", photo.exif.removeprefix(PREFIX))
    if photo.xmp:
        _chunk(file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + photo.xmp)
    packer = zlib.compressobj(LEVEL, strategy=zlib.Z_FILTERED)
    for rows in _filtered(photo):
        if packed := packer.compress(rows):
            _chunk(file, b"IDAT", packed)
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, content: bytes) -> None:
    check = zlib.crc32(content, zlib.crc32(kind))
    file.write(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check))


def _filtered(photo: Photograph) -> Iterator[bytes]:
    """Rows of big-endian samples, each less the row above, led by that filter's number (9.2)."""
    above = None
    for band in samples(photo):
        rows = band.astype(">u2").view(np.uint8).reshape(len(band), -1)
        first = np.zeros_like(rows[:1]) if above is None else above
        out = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
        out[:, 0] = 2
        np.subtract(rows, np.concatenate([first, rows[:-1]]), out=out[:, 1:])
        above = rows[-1:].copy()
        yield out.tobytes()


# TIFF 6.0


def write_tiff(photo: Photograph, file: BinaryIO, icc: bytes) -> None:
    """Deflate with horizontal differences, then the directory, in the byte order of the EXIF."""
    order, tree = parse_exif(photo.exif)
    file.write(header(order, 0))
    places, sizes = [], []
    for band in samples(photo):
        packed = zlib.compress(_differences(band, order), LEVEL)
        places.append(file.tell())
        sizes.append(len(packed))
        file.write(packed + bytes(len(packed) % 2))
    tree |= _layout(photo, order, places, sizes) | _facts(photo, order, icc)
    place = file.tell()
    file.write(write_tree(order, tree, place))
    file.seek(0)
    file.write(header(order, place))


def _differences(band: NDArray[Any], order: str) -> bytes:
    """Predictor 2 (section 14): each sample less its left neighbour's, modulo its depth."""
    out = band.copy()
    out[:, 1:] -= band[:, :-1]
    sign: Literal["<", ">"] = "<" if order == "<" else ">"
    return out.astype(out.dtype.newbyteorder(sign)).tobytes()


def _layout(photo: Photograph, order: str, places: list[int], sizes: list[int]) -> dict[int, Entry]:
    width, height = photo.size
    rows = next(iter(strips(height, width)))
    count = channels(photo) + (photo.alpha is not None)
    layout = {
        256: _longs(order, width),
        257: _longs(order, height),
        258: _shorts(order, *[8 * photo.pixels.itemsize] * count),
        259: _shorts(order, 8),  # deflate
        262: _shorts(order, 1 if channels(photo) == 1 else 2),  # black is zero, or RGB
        273: _longs(order, *places),
        277: _shorts(order, count),
        278: _longs(order, rows.stop),  # rows a strip
        279: _longs(order, *sizes),
        284: _shorts(order, 1),  # samples of a pixel side by side
        317: _shorts(order, 2),  # differences
    }
    if photo.alpha is not None:
        layout[338] = _shorts(order, 2)  # alpha, not premultiplied
    return layout


def _facts(photo: Photograph, order: str, icc: bytes) -> dict[int, Entry]:
    facts = {34675: Entry(UNDEFINED, icc)}
    if photo.xmp:
        facts[700] = Entry(BYTE, photo.xmp)
    if photo.iptc:
        facts[IPTC_TAG] = Entry(UNDEFINED, photo.iptc)
    if photo.dpi:
        for tag, value in zip((282, 283), photo.dpi, strict=True):
            facts[tag] = Entry(RATIONAL, struct.pack(order + "II", round(value * 1000), 1000))
        facts[296] = _shorts(order, 2)  # per inch
    return facts


def _shorts(order: str, *values: int) -> Entry:
    return Entry(SHORT, struct.pack(f"{order}{len(values)}H", *values))


def _longs(order: str, *values: int) -> Entry:
    return Entry(LONG, struct.pack(f"{order}{len(values)}I", *values))
