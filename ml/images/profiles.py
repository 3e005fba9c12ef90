"""ICC profiles: what turns a file's numbers into sRGB.

Eight-bit pixels go through Pillow's ImageCms (Little CMS). It offers 16 bits for grey alone, so a
16-bit grey curve is asked from it directly, and 16-bit RGB is computed here from the curves (again
by Little CMS) and the primaries of the profile, which is exact for every matrix profile (Adobe RGB,
ProPhoto, Display P3, eciRGB, nearly all cameras).
"""

import io
import logging
import struct
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ml.color import linear_from_srgb, srgb_from_linear

log = logging.getLogger(__name__)

Convert = Callable[[Image.Image], Image.Image]
Convert16 = Callable[[NDArray[np.uint16]], NDArray[np.uint16]]

BROKEN = (ImageCms.PyCMSError, OSError, ValueError, TypeError, LookupError, struct.error)
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
EXACT = ImageCms.Flags.NOOPTIMIZE  # optimised 16-bit curves are sampled: 0.2 % off in the shadows
DATE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK", "LAB": "Lab "}
NODES = 33  # of the lattice for 16-bit RGB under a profile that has tables instead of primaries


@cache
def srgb_bytes() -> bytes:
    """The sRGB profile that output carries."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[:24] + DATE + made[36:]  # else two runs would write different files


@cache
def grey_bytes() -> bytes:
    """sRGB's tone curve as a profile for one channel, where an RGB profile is not allowed."""
    exponent, scale = 2.4, 1 / 1.055
    # ICC.1:2022, 10.18, function type 3
    numbers = (exponent, scale, 0.055 * scale, 1 / 12.92, 0.04045)
    curve = b"para" + struct.pack(">IHH5i", 0, 3, 0, *(round(65536 * n) for n in numbers))
    return grey_profile(curve, "sRGB tone curve, grey")


def grey_profile(curve: bytes, title: str = "grey") -> bytes:
    """An ICC 4.2 monochrome profile around one curve tag (ICC.1:2022, 7 and 8.3.4)."""
    tags = {b"desc": _text(title), b"cprt": _text("CC0"), b"wtpt": _xyz(), b"kTRC": curve}
    table, body = struct.pack(">I", len(tags)), b""
    first = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", first + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(
        ">I4xI4s4s4s12s4s28x",
        first + len(body),
        0x04200000,
        b"mntr",
        b"GRAY",
        b"XYZ ",
        DATE,
        b"acsp",
    )
    return (head + _xyz()[8:]).ljust(128, b"\0") + table + body


def _xyz() -> bytes:
    return b"XYZ " + struct.pack(">I3i", 0, 63190, 65536, 54061)  # D50 in s15Fixed16


def _text(words: str) -> bytes:
    head = struct.pack(">III4sII", 0, 1, 12, b"enUS", 2 * len(words), 28)
    return b"mluc" + head + words.encode("utf-16-be")


def space(icc: bytes) -> str:
    """The colour space a profile is for ("RGB ", "GRAY", "CMYK", "Lab "), "" if it is broken."""
    try:
        return _profile(icc).profile.xcolor_space if icc else ""
    except BROKEN as error:
        log.warning("ignoring a broken colour profile: %s", error)
        return ""


def _profile(icc: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(icc))


def _transform(
    source: bytes, target: bytes, mode: str, out: str, flags: ImageCms.Flags
) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(_profile(source), _profile(target), mode, out, INTENT, flags)


def rgb_converter(icc: bytes, mode: str) -> Convert | None:
    """How a band of `mode` (RGB, CMYK, LAB) under `icc` becomes sRGB; None if it is to stay."""
    try:
        transform = _transform(icc, srgb_bytes(), mode, "RGB", FLAGS)
    except BROKEN as error:
        log.warning("ignoring a colour profile that cannot be used: %s", error)
        return None
    if mode == "RGB" and _is_identity(transform):
        return None

    def convert(strip: Image.Image) -> Image.Image:
        turned = ImageCms.applyTransform(strip, transform)
        assert turned is not None  # None only when asked to work in place
        return turned

    return convert


@cache
def lab_converter() -> Convert:
    """CIELAB under D50, as TIFF stores it, to sRGB."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    convert = rgb_converter(lab, "LAB")
    assert convert is not None
    return convert


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Most files carry one of many profiles named sRGB; skipping it keeps their numbers exact."""
    cube = _lattice(9)
    turned = ImageCms.applyTransform(Image.fromarray(cube), transform)
    return bool(np.abs(np.asarray(turned, np.int16) - cube).max() <= 1)


def _lattice(nodes: int) -> NDArray[np.uint8]:
    """Every node of an RGB cube as a picture (nodes * nodes, nodes, 3)."""
    levels = np.linspace(0, 255, nodes).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
    return cube.reshape(nodes * nodes, nodes, 3)


def grey_curve(icc: bytes) -> NDArray[np.uint16] | None:
    """Curve (65536,) from a grey profile's 16-bit values to sRGB's; None if they are to stay."""
    ramp = np.arange(65536, dtype=np.uint16)
    try:
        transform = _transform(icc, grey_bytes(), "I;16", "I;16", EXACT)
        turned = ImageCms.applyTransform(Image.fromarray(ramp.reshape(256, 256)), transform)
    except BROKEN as error:
        log.warning("ignoring a grey profile that cannot be used: %s", error)
        return None
    curve = np.asarray(turned, np.uint16).reshape(-1)
    same = np.abs(curve.astype(np.int32) - ramp).max() <= 32  # an eighth of an 8-bit step
    return None if same else curve


def rgb16_converter(icc: bytes) -> Convert16 | None:
    """How 16-bit RGB (..., 3) under `icc` becomes sRGB; None if nothing is to be done."""
    if rgb_converter(icc, "RGB") is None:
        return None
    try:
        return _matrix_converter(icc)
    except BROKEN:  # no primaries in it: a profile made of tables
        return _lattice_converter(icc)


def _matrix_converter(icc: bytes) -> Convert16:
    curves = [_linear(_tag(icc, name)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    matrix = (np.linalg.inv(_primaries(srgb_bytes())) @ _primaries(icc)).astype(np.float32)

    def convert(strip: NDArray[np.uint16]) -> NDArray[np.uint16]:
        linear = np.stack([curve[strip[..., i]] for i, curve in enumerate(curves)], axis=-1)
        return (srgb_from_linear(linear @ matrix.T) * 65535 + 0.5).astype(np.uint16)

    return convert


def _linear(curve: bytes) -> NDArray[np.float32]:
    """Linear light (65536,) of a curve, by way of sRGB: linear 16 bits are coarse in the dark."""
    encoded = grey_curve(grey_profile(curve))
    levels = np.arange(65536) if encoded is None else encoded
    return linear_from_srgb((levels / 65535).astype(np.float32))


def _primaries(icc: bytes) -> NDArray[np.float64]:
    """XYZ under D50 of red, green and blue as columns (3, 3)."""
    profile = _profile(icc).profile
    colorants = (profile.red_colorant, profile.green_colorant, profile.blue_colorant)
    return np.array([colorant[0] for colorant in colorants if colorant is not None]).reshape(3, 3).T


def _tag(icc: bytes, name: bytes) -> bytes:
    (count,) = struct.unpack_from(">I", icc, 128)
    for index in range(min(count, 100)):
        found, start, size = struct.unpack_from(">4sII", icc, 132 + 12 * index)
        if found == name:
            return icc[start : start + size]
    raise KeyError(name)


def _lattice_converter(icc: bytes) -> Convert16 | None:
    """Trilinear between 33^3 colours taken through Little CMS: right to 8 bits, smooth to 16."""
    from scipy.ndimage import map_coordinates

    convert = rgb_converter(icc, "RGB")
    if convert is None:
        return None
    nodes = np.asarray(convert(Image.fromarray(_lattice(NODES))), np.float32)
    cube = nodes.reshape(NODES, NODES, NODES, 3) * 257

    def look_up(strip: NDArray[np.uint16]) -> NDArray[np.uint16]:
        places = np.moveaxis(strip, -1, 0) * np.float32((NODES - 1) / 65535)
        turned = [map_coordinates(cube[..., i], places, order=1, mode="nearest") for i in range(3)]
        return (np.stack(turned, axis=-1) + 0.5).clip(0, 65535).astype(np.uint16)

    return look_up
