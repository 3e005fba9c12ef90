"""Files drawn for the tests of ml.images: every mode and depth, and the hostile ones."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import png
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ml.images.profiles import grey_profile

RNG = np.random.default_rng(1896)


def noise(height: int, width: int, channels: int = 1, dtype: type = np.uint8) -> NDArray[Any]:
    """(H, W) or (H, W, channels), every value possible."""
    shape = (height, width) if channels == 1 else (height, width, channels)
    return RNG.integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def smooth(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A colour picture (H, W, 3) that lossy formats keep well."""
    rows, columns = np.mgrid[:height, :width]
    red, green = 255 * columns / width, 255 * rows / height
    return np.stack([red, green, 255 - red / 2 - green / 2], axis=-1).astype(np.uint8)


def saved(path: Path, pixels: NDArray[Any], mode: str | None = None, **options: Any) -> Path:
    """The picture as Pillow writes it, converted to `mode` first."""
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def png16(path: Path, samples: NDArray[np.uint16], **options: Any) -> Path:
    """A 16-bit PNG of (H, W) or (H, W, 2|3|4), written by pypng."""
    height, width = samples.shape[:2]
    channels = 1 if samples.ndim == 2 else samples.shape[2]
    writer = png.Writer(
        width, height, greyscale=channels < 3, alpha=channels % 2 == 0, bitdepth=16, **options
    )
    with path.open("wb") as file:
        writer.write(file, samples.reshape(height, -1).tolist())
    return path


def chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def png_of(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG that claims a size and holds these chunks, whether or not they fit."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = b"".join(chunks) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body


def gamma_grey(gamma: float) -> bytes:
    """A grey ICC profile with one exponent."""
    return grey_profile(b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)))


def rgb_profile(
    red: tuple[float, float, float],
    green: tuple[float, float, float],
    blue: tuple[float, float, float],
    gamma: float,
) -> bytes:
    """A matrix ICC profile: sRGB's, its primaries (XYZ under D50) and curves replaced."""
    icc = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", icc, 128)
    for index in range(count):
        name, place, size = struct.unpack_from(">4sII", icc, 132 + 12 * index)
        primaries = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}
        if name in primaries:
            struct.pack_into(">3i", icc, place + 8, *(round(65536 * n) for n in primaries[name]))
        elif name.endswith(b"TRC"):
            curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256))
            icc[place : place + size] = curve.ljust(size, b"\0")
    return bytes(icc)


def adobe_rgb() -> bytes:
    """Primaries of Adobe RGB (1998) adapted to D50, section 4.3.4 of its specification."""
    return rgb_profile(
        (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457), 2.2
    )


def encoded(pixels: NDArray[Any], form: str, **options: Any) -> bytes:
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, form, **options)
        return file.getvalue()


def profile(image: Image.Image) -> ImageCms.ImageCmsProfile:
    """The colour profile in a file."""
    return ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
