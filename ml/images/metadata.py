"""What a file says about its photo: kept where it is true of the result, else left behind."""

import io
import logging
import math
import re
import struct
from pathlib import Path

from PIL import Image
from PIL.ExifTags import Base

from ml.images.directory import EXIF, GPS, LONG, SHORT, Entry, Tree, header, read_tree, write_tree

log = logging.getLogger(__name__)

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    struct.error,
)
PREFIX = b"Exif\0\0"
IPTC_RESOURCE, IPTC_TAG = 0x0404, 33723  # in Photoshop's image resources, in TIFF

# Of the first directory only what describes the photo. A TIFF keeps its own layout there too; that,
# the thumbnail and the orientation would be lies about the new file.
KEPT = frozenset(
    {
        Base.DocumentName,
        Base.ImageDescription,
        Base.Make,
        Base.Model,
        Base.XResolution,
        Base.YResolution,
        Base.PageName,
        Base.ResolutionUnit,
        Base.Software,
        Base.DateTime,
        Base.Artist,
        Base.HostComputer,
        Base.Rating,
        Base.RatingPercent,
        Base.Copyright,
        Base.XPTitle,
        Base.XPComment,
        Base.XPAuthor,
        Base.XPKeywords,
        Base.XPSubject,
        EXIF,
        GPS,
    }
)
# Alone these say nothing that `dpi` does not.
RESOLUTION = {Base.XResolution, Base.YResolution, Base.ResolutionUnit}
ROTATION = re.compile(
    rb"""tiff:Orientation\s*=\s*(["'])\d*\1|<tiff:Orientation>[^<]*</tiff:Orientation>"""
)
THUMBNAILS = (b"xmp:Thumbnails", b"xap:Thumbnails")
LARGEST_XMP = 2**18  # bytes; what is longer holds pictures or an editor's history, not facts


def orientation(image: Image.Image) -> int:
    """How the pixels that Pillow hands over are to be turned, EXIF's 1-8.

    1 where the file says nothing or nonsense, and for a TIFF, which Pillow itself turns. A PNG is
    loaded first, because its EXIF may stand at its end, and raises here if it is damaged.
    """
    if image.format == "TIFF":
        return 1
    if image.format == "PNG":
        image.load()
    try:
        value = image.getexif().get(Base.Orientation, 1)
    except BROKEN as error:
        log.warning("ignoring damaged EXIF: %s", error)
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_exif(path: Path, image: Image.Image | None, size: tuple[int, int]) -> bytes:
    """EXIF for an upright sRGB picture of `size` (width, height); b"" if the file has none.

    A TIFF is itself the directory; `image` None stands for a TIFF that Pillow could not open.
    """
    try:
        if image is None or image.format == "TIFF":
            with path.open("rb") as file:
                order, tree = read_tree(file, KEPT)
        elif block := _block(image):
            order, tree = read_tree(io.BytesIO(block), KEPT)
        else:
            return b""
    except BROKEN as error:
        log.warning("leaving damaged EXIF behind: %s", error)
        return b""
    return _true_of(order, tree, size) if set(tree) - RESOLUTION else b""


def _block(image: Image.Image) -> bytes:
    block = image.info.get("exif", b"")
    if not block and (text := image.info.get("Raw profile type exif")):  # ImageMagick's way in PNG
        block = bytes.fromhex("".join(text.split("\n")[3:]))
    return bytes(block).removeprefix(PREFIX)


def _true_of(order: str, tree: Tree, size: tuple[int, int]) -> bytes:
    """The tree as an EXIF block with the facts that change: width, height, colour space."""
    if isinstance(inner := tree.get(EXIF), dict):
        for tag, value in ((Base.ExifImageWidth, size[0]), (Base.ExifImageHeight, size[1])):
            if tag in inner:
                inner[tag] = Entry(LONG, struct.pack(order + "I", value))
        if Base.ColorSpace in inner:
            inner[Base.ColorSpace] = Entry(SHORT, struct.pack(order + "H", 1))  # sRGB
    return PREFIX + header(order, 8) + write_tree(order, tree, 8)


def parse_exif(exif: bytes) -> tuple[str, Tree]:
    """Byte order and directory of a block that read_exif made."""
    return read_tree(io.BytesIO(exif.removeprefix(PREFIX))) if exif else ("<", {})


def shortened(exif: bytes, room: int) -> bytes:
    """EXIF that fits into `room` bytes: without the maker's own notes if need be, or none."""
    if len(exif) <= room:
        return exif
    order, tree = parse_exif(exif)
    if isinstance(inner := tree.get(EXIF), dict):
        inner.pop(Base.MakerNote, None)
    exif = PREFIX + header(order, 8) + write_tree(order, tree, 8)
    if len(exif) > room:
        log.warning("leaving %d bytes of EXIF behind: the format has room for %d", len(exif), room)
    return exif if len(exif) <= room else b""


def read_xmp(packet: object) -> bytes:
    """An XMP packet without rotation and embedded thumbnails, which would show the grey photo."""
    if isinstance(packet, tuple):
        packet = packet[0]
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes) or len(packet) > LARGEST_XMP:
        return b""
    for name in THUMBNAILS:
        packet = _without(packet, name)
    return ROTATION.sub(b"", packet)


def _without(packet: bytes, name: bytes) -> bytes:
    """The packet without the elements of this name. Each byte is looked at once, however many
    elements begin and never end.
    """
    first, last = b"<" + name, b"</" + name + b">"
    kept, end = [], 0
    while (begin := packet.find(first, end)) >= 0 and (close := packet.find(last, begin)) >= 0:
        kept.append(packet[end:begin])
        end = close + len(last)
    return b"".join([*kept, packet[end:]])


def read_dpi(value: object) -> tuple[float, float] | None:
    """Dots per inch as two sound numbers, or None."""
    try:
        x, y = (float(number) for number in value)  # type: ignore[attr-defined]
    except BROKEN:
        return None
    return (x, y) if all(math.isfinite(n) and 1 < n < 65535 for n in (x, y)) else None


def read_iptc(image: Image.Image) -> bytes:
    """The IPTC-IIM records of a JPEG or TIFF."""
    resources = image.info.get("photoshop")
    if isinstance(resources, dict) and isinstance(found := resources.get(IPTC_RESOURCE), bytes):
        return found
    found = getattr(image, "tag_v2", {}).get(IPTC_TAG, b"")
    return found if isinstance(found, bytes) else b""


def iptc_segment(iptc: bytes) -> bytes:
    """A JPEG APP13 segment around IPTC records (Photoshop's resource block); b"" if too long."""
    block = b"8BIM" + struct.pack(">HHI", IPTC_RESOURCE, 0, len(iptc)) + iptc + bytes(len(iptc) % 2)
    content = b"Photoshop 3.0\0" + block
    if not iptc or len(content) > 65533:
        return b""
    return b"\xff\xed" + struct.pack(">H", len(content) + 2) + content
