"""From an identified file to a Photograph, at the file's own depth."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from ml.images import metadata, profiles, tiff
from ml.images.photograph import Photograph, Pixels, goes_out_as, strips
from ml.images.planes import is_neutral, scaled, stored_view, to_srgb16, turned, upright_shape

Planes = tuple[Pixels, Pixels | None]  # colours (H, W) or (H, W, 3), alpha (H, W)

# Pillow keeps colour in 8 bits and, for a 16-bit file, takes the upper byte of each sample by a
# "raw mode". The same file read through the raw mode of the other byte order gives the lower one:
# two runs of its C decoders are all 16 bits, where a decoder in Python takes minutes.
NATIVE = "L" if sys.byteorder == "little" else "B"
SWAPPED = {"L": "B", "B": "L", "N": "B" if NATIVE == "L" else "L"}
DEEP = ("RGB;16", "RGBA;16", "RGBX;16")
DEEP_GREY_ALPHA = "LA;16B"
BITS, PHOTOMETRIC, PLANAR = 258, 262, 284  # TIFF tags

# Pillow's modes and the four that the rest is written for
FLAT = {"1": "L", "L": "L", "LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}


def decode(image: ImageFile.ImageFile, path: Path) -> Photograph:
    """The photo of an image that was opened and not loaded yet."""
    raw = _raw_mode(image)
    if raw == DEEP_GREY_ALPHA:  # four bytes a pixel, put as they are into RGBA's four
        image.tile = [_reread(tile, "RGBA") for tile in image.tile]
    turn = metadata.orientation(image)  # loads a PNG, whose EXIF may stand at its end
    height, width = upright_shape(image.height, image.width, turn)
    return Photograph(
        *_planes(image, path, raw, turn),
        format=goes_out_as(image.format or "", (width, height)),
        exif=metadata.read_exif(path, image, (width, height)),
        dpi=metadata.read_dpi(image.info.get("dpi")),
        xmp=metadata.read_xmp(image.info.get("xmp")),
        iptc=metadata.read_iptc(image),
        lossless=_is_lossless(image, path),
    )


def _planes(image: ImageFile.ImageFile, path: Path, raw: str, turn: int) -> Planes:
    if raw.startswith(DEEP):
        return _deep(image, path, raw, turn)
    if raw == DEEP_GREY_ALPHA:
        return _deep_grey_alpha(image, turn)
    if image.mode.startswith(("I", "F")):
        return _deep_grey(image, turn)
    return _shallow(image, turn)


def _raw_mode(image: ImageFile.ImageFile) -> str:
    args = image.tile[0].args if image.tile else ""
    return str(args[0] if isinstance(args, tuple) and args else args)


def is_planar_deep(image: ImageFile.ImageFile) -> bool:
    """Samples of 16 bits, each colour in a plane of its own: Pillow would take them for 8."""
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


def _icc(image: Image.Image) -> bytes:
    icc = image.info.get("icc_profile")
    return icc if isinstance(icc, bytes) else b""


# Eight bits


def _shallow(image: ImageFile.ImageFile, turn: int) -> Planes:
    image.load()
    flat = _flattener(image)
    mode = flat(image.crop((0, 0, 1, 1))).mode
    neutral = mode.startswith("RGB") and all(_neutral(flat(band)) for _, band in _bands(image))
    finish = _finisher(image, mode)
    shape = upright_shape(image.height, image.width, turn)
    colours = np.empty(shape if neutral or mode in ("L", "LA") else (*shape, 3), np.uint8)
    alpha = np.empty(shape, np.uint8) if mode.endswith("A") else None
    for rows, band in _bands(image):
        flattened = flat(band)
        if alpha is not None:
            stored_view(alpha, turn)[rows] = np.asarray(flattened.getchannel("A"))
        finished = finish(flattened)
        stored_view(colours, turn)[rows] = finished[..., 1] if neutral else finished
    return colours, alpha


def _neutral(band: Image.Image) -> bool:
    return is_neutral(np.asarray(band)[..., :3])


def _flattener(image: Image.Image) -> profiles.Convert:
    """How a band becomes L, LA, RGB or RGBA; from CMYK and Lab it is sRGB already."""
    if image.mode in ("CMYK", "LAB"):
        return _press_converter(image) or (lambda band: band.convert("RGB"))
    mode = FLAT.get(image.mode, "RGB")
    if "transparency" in image.info and not mode.endswith("A"):
        mode += "A"
    return lambda band: band.convert(mode)


def _press_converter(image: Image.Image) -> profiles.Convert | None:
    icc = _icc(image)
    named = profiles.space(icc) == profiles.SPACES[image.mode]
    convert = profiles.rgb_converter(icc, image.mode) if named else None
    return profiles.lab_converter() if convert is None and image.mode == "LAB" else convert


def _finisher(image: Image.Image, mode: str) -> Callable[[Image.Image], NDArray[np.uint8]]:
    """How a band flattened to `mode` becomes sRGB colours (h, w) or (h, w, 3)."""
    icc = _icc(image)
    space = profiles.space(icc)
    if mode in ("L", "LA"):
        curve = profiles.grey_curve(icc) if space == "GRAY" else None
        if curve is None:
            return lambda band: np.asarray(band.getchannel(0))
        table = ((curve[::257].astype(np.uint32) + 128) // 257).astype(np.uint8)
        return lambda band: table[np.asarray(band.getchannel(0))]
    if space != "RGB " or image.mode in ("CMYK", "LAB"):
        return lambda band: np.asarray(band)[..., :3]
    convert = profiles.rgb_converter(icc, "RGB") or (lambda band: band)
    return lambda band: np.asarray(convert(band.convert("RGB")))


# Sixteen bits


def _deep_grey(image: ImageFile.ImageFile, turn: int) -> Planes:
    """Modes I;16 and its kin, I and F."""
    clear = image.info.get("transparency")
    tags = getattr(image, "tag_v2", {})
    bits = int(tags.get(BITS, (16,))[0])
    image.load()
    stored = _whole(image)
    alpha = None
    if isinstance(clear, int):
        alpha = turned(np.where(stored == clear, 0, 65535).astype(np.uint16), turn)
    grey = stored if stored.dtype == np.uint16 and bits == 16 else scaled(stored, bits)
    if tags.get(PHOTOMETRIC) == tiff.WHITE_IS_ZERO:  # Pillow inverts 8 bits, not 16
        np.subtract(65535, grey, out=grey)
    to_srgb16(grey, _icc(image))
    return grey if turn == 1 else turned(grey, turn), alpha


def _whole(image: Image.Image) -> NDArray[Any]:
    """The samples of a one-band image (H, W): uint16, int32 or float32."""
    kind = np.uint16 if ";" in image.mode else np.int32 if image.mode == "I" else np.float32
    samples: NDArray[Any] = np.empty((image.height, image.width), kind)
    for rows, band in _bands(image):
        samples[rows] = np.asarray(band)
    return samples


def _deep_grey_alpha(image: ImageFile.ImageFile, turn: int) -> Planes:
    """PNG's 16-bit grey with alpha, loaded as RGBA."""
    image.load()
    shape = upright_shape(image.height, image.width, turn)
    grey, alpha = np.empty(shape, np.uint16), np.empty(shape, np.uint16)
    for rows, band in _bands(image):
        samples = np.asarray(band).view(">u2")  # (h, w, 2)
        stored_view(grey, turn)[rows] = samples[..., 0]
        stored_view(alpha, turn)[rows] = samples[..., 1]
    to_srgb16(grey, _icc(image))
    return grey, alpha


def _deep(image: ImageFile.ImageFile, path: Path, raw: str, turn: int) -> Planes:
    """Colour of 16 bits: upper bytes, then lower bytes."""
    icc, clear, form = _icc(image), image.info.get("transparency"), image.format or ""
    shape = upright_shape(image.height, image.width, turn)
    colours = np.zeros((*shape, 3), np.uint16)
    alpha = np.zeros(shape, np.uint16) if image.mode == "RGBA" else None
    _add_bytes(image, colours, alpha, turn, 8)
    image.close()  # its 4 bytes a pixel go before the second run takes as many
    with path.open("rb") as file, Image.open(file, formats=[form]) as lower:
        lower.tile = [_reread(tile, raw[:-1] + SWAPPED[raw[-1]]) for tile in lower.tile]
        _add_bytes(lower, colours, alpha, turn, 0)
    if isinstance(clear, tuple):
        alpha = _keyed(colours, clear)
    neutral = is_neutral(colours)
    to_srgb16(colours, icc)
    return np.ascontiguousarray(colours[..., 1]) if neutral else colours, alpha


def _add_bytes(
    image: ImageFile.ImageFile,
    colours: NDArray[np.uint16],
    alpha: NDArray[np.uint16] | None,
    turn: int,
    shift: int,
) -> None:
    image.load()
    for rows, band in _bands(image):
        samples = np.asarray(band, np.uint16) << shift
        stored_view(colours, turn)[rows] |= samples[..., :3]
        if alpha is not None:
            stored_view(alpha, turn)[rows] |= samples[..., 3]


def _reread(tile: ImageFile._Tile, raw: str) -> ImageFile._Tile:
    return tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)


def _keyed(colours: NDArray[np.uint16], clear: tuple[int, ...]) -> NDArray[np.uint16]:
    """Alpha (H, W) that is 0 where the colour is the one that PNG's tRNS names."""
    alpha = np.empty(colours.shape[:2], np.uint16)
    for rows in strips(*colours.shape[:2]):
        alpha[rows] = np.where((colours[rows] == clear).all(axis=2), 0, 65535)
    return alpha
