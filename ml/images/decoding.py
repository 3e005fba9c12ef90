"""From an identified file to a Photograph, at the file's own depth."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from ml.images import metadata, profiles, tiff
from ml.images.photograph import FORMATS, Photograph, Pixels, strips
from ml.images.planes import is_neutral, scaled, stored_view, to_srgb16, turned, upright_shape

Flat = Callable[[Image.Image], Image.Image]
Planes = tuple[Pixels, Pixels | None]  # colours (H, W) or (H, W, 3), alpha (H, W)

# Pillow keeps colour in 8 bits and, for a 16-bit file, takes the upper byte of each sample by a "raw mode". The same
# file read through the raw mode of the other byte order gives the lower one: two runs of its C decoders are all
# 16 bits, faster and smaller than a decoder in Python (20 MP: 1 s against 2 minutes with pypng).
NATIVE = "L" if sys.byteorder == "little" else "B"
SWAPPED = {"L": "B", "B": "L", "N": "B" if NATIVE == "L" else "L"}
DEEP = ("RGB;16", "RGBA;16", "RGBX;16")
MINISWHITE, BITS, PLANAR = 262, 258, 284  # TIFF tags


def decode(image: ImageFile.ImageFile, path: Path) -> Photograph:
    """The photo of an image that was opened and not loaded yet."""
    turn = metadata.orientation(image)
    stored = image.size[::-1]
    raw = _raw_mode(image)
    if _is_planar_deep(image):
        return tiff.decode(path)
    if raw.startswith(DEEP):
        planes = _deep(image, path, raw, turn)
    elif raw == "LA;16B":
        planes = _deep_grey_alpha(image, turn)
    elif image.mode.startswith(("I", "F")):
        planes = _deep_grey(image, turn)
    else:
        planes = _shallow(image, turn)
    height, width = upright_shape(*stored, turn)
    info = image.info
    return Photograph(
        *planes,
        format=FORMATS[image.format or ""],
        exif=metadata.read_exif(path, image, (width, height)),
        dpi=metadata.read_dpi(info.get("dpi")),
        xmp=metadata.read_xmp(info.get("xmp")),
        iptc=metadata.read_iptc(image),
        lossless=_is_lossless(image, path),
    )


def _raw_mode(image: ImageFile.ImageFile) -> str:
    args = image.tile[0].args if image.tile else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def _is_planar_deep(image: ImageFile.ImageFile) -> bool:
    tags = getattr(image, "tag_v2", {})
    return tags.get(PLANAR) == 2 and max(tags.get(BITS, (8,))) > 8 and len(image.getbands()) > 1


def _is_lossless(image: ImageFile.ImageFile, path: Path) -> bool:
    if image.format != "WEBP":
        return image.format not in ("JPEG", "MPO")
    with path.open("rb") as file:
        return b"VP8L" in file.read(4096)  # the chunk of the first frame follows ICCP, if any


def _bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    for rows in strips(image.height, image.width):
        yield rows, image.crop((0, rows.start, image.width, rows.stop))


# Eight bits


def _shallow(image: ImageFile.ImageFile, turn: int) -> Planes:
    icc = _bytes(image.info.get("icc_profile"))
    image.load()
    flat = _flattener(image, icc)
    mode = flat(image.crop((0, 0, 1, 1))).mode
    neutral = mode.startswith("RGB") and all(_neutral(flat(band)) for _, band in _bands(image))
    finish = _finisher(image, mode, icc)
    height, width = upright_shape(image.height, image.width, turn)
    colours = np.empty((height, width) if neutral or mode in ("L", "LA") else (height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if mode.endswith("A") else None
    for rows, band in _bands(image):
        flattened = flat(band)
        if alpha is not None:
            stored_view(alpha, turn)[rows] = np.asarray(flattened.getchannel("A"))
        finished = finish(flattened)
        stored_view(colours, turn)[rows] = finished[..., 1] if neutral else finished
    return colours, alpha


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _neutral(band: Image.Image) -> bool:
    return is_neutral(np.asarray(band)[..., :3])


def _flattener(image: Image.Image, icc: bytes) -> Flat:
    """How a band of the image's mode becomes L, LA, RGB or RGBA, colours still the file's unless it is CMYK or Lab."""
    mode = image.mode
    if mode in ("CMYK", "LAB"):
        convert = profiles.rgb_converter(icc, mode) if profiles.space(icc) == profiles.SPACES[mode] else None
        if convert is None:
            convert = profiles.lab_converter() if mode == "LAB" else None
        return convert or (lambda band: band.convert("RGB"))
    target = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}.get(mode, "RGB")
    if "transparency" in image.info and not target.endswith("A"):
        target += "A"
    return lambda band: band.convert(target)


def _finisher(image: Image.Image, flat_mode: str, icc: bytes) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """How a flattened band becomes sRGB colours (h, w) or (h, w, 3)."""
    space = profiles.space(icc)
    if flat_mode in ("L", "LA"):
        curve = profiles.grey_curve(icc) if space == "GRAY" else None
        if curve is None:
            return lambda band: np.asarray(band.getchannel(0))
        table = ((curve[::257].astype(np.uint32) + 128) // 257).astype(np.uint8)
        return lambda band: table[np.asarray(band.getchannel(0))]
    convert = profiles.rgb_converter(icc, "RGB") if space == "RGB " and image.mode not in ("CMYK", "LAB") else None
    if convert is None:
        return lambda band: np.asarray(band)[..., :3]
    return lambda band: np.asarray(convert(band.convert("RGB")))


# Sixteen bits


def _deep_grey(image: ImageFile.ImageFile, turn: int) -> Planes:
    """Modes I;16 and its kin, I and F."""
    icc, clear = _bytes(image.info.get("icc_profile")), image.info.get("transparency")
    tags = getattr(image, "tag_v2", {})
    bits = int(tags.get(BITS, (16,))[0])
    image.load()
    stored = _whole(image)
    alpha = turned(np.where(stored == clear, 0, 65535).astype(np.uint16), turn) if isinstance(clear, int) else None
    grey = stored if stored.dtype == np.uint16 and bits == 16 else scaled(stored, bits)
    if tags.get(MINISWHITE) == 0:  # Pillow inverts 8 bits, not 16
        np.subtract(65535, grey, out=grey)
    to_srgb16(grey, icc)
    return grey if turn == 1 else turned(grey, turn), alpha


def _whole(image: Image.Image) -> NDArray[Any]:
    """The samples of a one-band image (H, W): uint16, int32 or float32."""
    kind = np.uint16 if ";" in image.mode else np.int32 if image.mode == "I" else np.float32
    samples = np.empty((image.height, image.width), kind)
    for rows, band in _bands(image):
        samples[rows] = np.asarray(band)
    return samples


def _deep_grey_alpha(image: ImageFile.ImageFile, turn: int) -> Planes:
    """PNG's 16-bit grey with alpha: four bytes a pixel, read as they are into Pillow's four-byte mode."""
    icc = _bytes(image.info.get("icc_profile"))
    image.tile = [tile._replace(args="RGBA") for tile in image.tile]
    image.load()
    shape = upright_shape(image.height, image.width, turn)
    grey, alpha = np.empty(shape, np.uint16), np.empty(shape, np.uint16)
    for rows, band in _bands(image):
        samples = np.asarray(band).view(">u2")  # (h, w, 2)
        stored_view(grey, turn)[rows], stored_view(alpha, turn)[rows] = samples[..., 0], samples[..., 1]
    to_srgb16(grey, icc)
    return grey, alpha


def _deep(image: ImageFile.ImageFile, path: Path, raw: str, turn: int) -> Planes:
    """Colour of 16 bits: upper bytes, then lower bytes."""
    icc, clear = _bytes(image.info.get("icc_profile")), image.info.get("transparency")
    shape = upright_shape(*image.size[::-1], turn)
    samples = np.empty((*shape, len(image.getbands())), np.uint16)
    view = stored_view(samples, turn)
    image.load()
    for rows, band in _bands(image):
        view[rows] = np.asarray(band, np.uint16) << 8
    form = image.format or ""
    image.close()  # its 4 bytes a pixel go before the second run takes as many
    image.im = None  # type: ignore[assignment]
    with Image.open(path, formats=[form]) as lower:
        other = raw[:-1] + SWAPPED[raw[-1]]
        lower.tile = [_reread(tile, other) for tile in lower.tile]
        lower.load()
        for rows, band in _bands(lower):
            view[rows] |= np.asarray(band, np.uint16)
    return _divided(samples, clear, icc)


def _reread(tile: Any, raw: str) -> Any:
    return tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)


def _divided(samples: NDArray[np.uint16], clear: object, icc: bytes) -> Planes:
    """Colours and alpha as arrays of their own; grey if the colours are."""
    alpha = np.ascontiguousarray(samples[..., 3]) if samples.shape[2] == 4 else None
    if alpha is None and isinstance(clear, tuple):
        alpha = np.where((samples == clear).all(axis=2), 0, 65535).astype(np.uint16)
    neutral = is_neutral(samples[..., :3])
    to_srgb16(samples[..., :3], icc)
    return np.ascontiguousarray(samples[..., 1] if neutral else samples[..., :3]), alpha
