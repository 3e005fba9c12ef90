"""A Photograph goes back into a file: its own format and size, sRGB, whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ml.images.metadata import iptc_segment, shortened
from ml.images.photograph import Photograph, Pixels, strips
from ml.images.planes import to_eight
from ml.images.profiles import grey_bytes, srgb_bytes
from ml.images.writers import LEVEL, write_png16, write_tiff

QUALITY, PREVIEW_QUALITY = 95, 88
SEGMENT = 65502  # bytes for EXIF or XMP in one JPEG segment, after their headings
# Writing lossless WebP takes half a gigabyte at this size; above it, quality 95 is written.
LOSSLESS_PIXELS = 16_000_000


def save_photo(photo: Photograph, path: Path, quality: int = QUALITY) -> None:
    """Write the photo in its format, with what its file said of it. `path` holds all of it or what
    it held before.

    The file can be read by its owner alone: photos are served by the application, not from a public
    folder.
    """
    write = _WRITERS[photo.format]
    handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            write(photo, file, quality)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def save_preview(photo: Photograph, path: Path, long_side: int = 2048) -> str:
    """Write what a browser shows, without metadata: JPEG, PNG if there is alpha. Says which."""
    preview = downscaled(photo, long_side)
    save_photo(preview, path, PREVIEW_QUALITY)
    return preview.format


def downscaled(photo: Photograph, long_side: int) -> Photograph:
    """An 8-bit copy whose longer side is at most `long_side`, areas averaged, without metadata."""
    width, height = photo.size
    scale = min(1.0, long_side / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Photograph(
        _resized(photo.pixels, size),
        None if photo.alpha is None else _resized(photo.alpha, size),
        "JPEG" if photo.alpha is None else "PNG",
    )


def _resized(pixels: Pixels, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Blocks are averaged band by band until less than four times the result is left."""
    if pixels.shape[1::-1] == size:
        return to_eight(pixels)
    factor = max(1, min(pixels.shape[1] // (2 * size[0]), pixels.shape[0] // (2 * size[1])))
    step = factor * max(1, 2**20 // (factor * pixels.shape[1]))
    bands = [
        np.asarray(Image.fromarray(to_eight(pixels[top : top + step])).reduce(factor))
        for top in range(0, pixels.shape[0], step)
    ]
    small = Image.fromarray(np.concatenate(bands))
    box = (0, 0, pixels.shape[1] / factor, pixels.shape[0] / factor)
    return np.asarray(small.resize(size, Image.Resampling.LANCZOS, box))


def _image(photo: Photograph, mode: str) -> Image.Image:
    """The photo as Pillow's L, LA, RGB or RGBA, filled in bands: no further copy of 300 MB."""
    width, height = photo.size
    image = Image.new(mode, (width, height))
    for rows in strips(height, width):
        band = Image.fromarray(to_eight(np.ascontiguousarray(photo.pixels[rows]))).convert(mode)
        if mode.endswith("A") and photo.alpha is not None:
            band.putalpha(Image.fromarray(to_eight(np.ascontiguousarray(photo.alpha[rows]))))
        image.paste(band, (0, rows.start))
    return image


def _mode(photo: Photograph) -> str:
    return ("L" if photo.pixels.ndim == 2 else "RGB") + ("" if photo.alpha is None else "A")


def _icc(photo: Photograph) -> bytes:
    return grey_bytes() if photo.pixels.ndim == 2 else srgb_bytes()


def _options(photo: Photograph) -> dict[str, Any]:
    """What all of Pillow's writers are told of the photo."""
    options: dict[str, Any] = {"icc_profile": _icc(photo)}
    if photo.dpi:
        options["dpi"] = photo.dpi
    return options


def _jpeg(photo: Photograph, file: BinaryIO, quality: int) -> None:
    """4:4:4, because colour is what is added. JPEG has no alpha."""
    options = _options(photo) | {
        "exif": shortened(photo.exif, SEGMENT),
        "extra": iptc_segment(photo.iptc),
    }
    if 0 < len(photo.xmp) <= SEGMENT:
        options["xmp"] = photo.xmp
    image = _image(photo, _mode(photo).removesuffix("A"))
    image.save(file, "JPEG", quality=quality, subsampling=0, **options)


def _png(photo: Photograph, file: BinaryIO, _quality: int) -> None:
    if photo.pixels.dtype == np.uint16:
        write_png16(photo, file, _icc(photo))
        return
    text = PngInfo()
    if photo.xmp:
        text.add(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + photo.xmp)
    options = _options(photo) | {"pnginfo": text, "exif": photo.exif, "compress_level": LEVEL}
    _image(photo, _mode(photo)).save(file, "PNG", **options)


def _webp(photo: Photograph, file: BinaryIO, quality: int) -> None:
    """Lossless if it came so. WebP has no grey; `exact` keeps colours where alpha is 0."""
    lossless = photo.lossless and photo.size[0] * photo.size[1] <= LOSSLESS_PIXELS
    image = _image(photo, "RGB" if photo.alpha is None else "RGBA")
    effort = {"quality": 25 if lossless else quality, "method": 1 if lossless else 2}
    options = effort | {"lossless": lossless, "exact": True}
    image.save(file, "WEBP", exif=photo.exif, xmp=photo.xmp, icc_profile=srgb_bytes(), **options)


def _tiff(photo: Photograph, file: BinaryIO, _quality: int) -> None:
    write_tiff(photo, file, _icc(photo))


def _bmp(photo: Photograph, file: BinaryIO, _quality: int) -> None:
    options = {"dpi": photo.dpi} if photo.dpi else {}
    _image(photo, _mode(photo).removesuffix("A")).save(file, "BMP", **options)


_WRITERS: dict[str, Callable[[Photograph, BinaryIO, int], None]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WEBP": _webp,
    "TIFF": _tiff,
    "BMP": _bmp,
}
