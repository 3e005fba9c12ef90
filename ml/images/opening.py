"""Files from strangers become Photographs, or one of the errors with a sentence for the user."""

import re
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from math import ceil
from mmap import ACCESS_READ, mmap
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from ml.errors import BadImage, Busy, TooHeavy, TooLarge, TooLong, UnsupportedType
from ml.images import metadata, tiff
from ml.images.decoding import decode, is_planar_deep
from ml.images.photograph import Header, Limits, Photograph, goes_out_as

# The limit of pixels is ours: `_measure` applies it to every header before a pixel is decoded.
# Pillow's own is global, warns at 89 megapixels and does not tell the size.
Image.MAX_IMAGE_PIXELS = None

# What decoders raise on damage. A MemoryError is not damage: it passes.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
)
OPENED = ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"]  # Pillow's readers; JPEG's reads MPO too
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
DNG_VERSION, SUBFILE, SUB_DIRECTORIES = 50706, 254, 330  # TIFF tags
# Each scan of a progressive JPEG goes over the whole picture again. Encoders write about ten; a
# file of thousands, each of a few bytes, would hold a processor for hours. In coded pixels FF is
# always followed by 00 or a restart marker, so the marker is nowhere else but in thumbnails.
SCAN, SCANS = rb"\xff\xda", 200
BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # sizes of its second header, all that exist

# Pixels of the longer side. JPEG ends here, and a band of rows is a megapixel only while a row is
# much less than that.
LONGEST = 65_500

# Checking an upload holds it decoded until it is known to be whole: up to 8 bytes a pixel for a
# 16-bit TIFF with alpha and twice that while it is put together; a progressive JPEG keeps all its
# coefficients, 2 bytes a sample, however small it is drawn. One at a time per process bounds the
# web server's memory whatever arrives at once, and nobody waits for ever.
_checking = threading.Lock()
PATIENCE = 20  # seconds


def open_photo(path: Path, name: str = "", limits: Limits | None = None) -> Photograph:
    """The photo in a file: (H, W) or (H, W, 3), upright, sRGB. `name` is what errors call it.

    Raises BadImage, UnsupportedType, TooLarge, TooHeavy.
    """
    name, limits = name or path.name, limits or Limits()
    with _opened(path, name, limits) as image:
        return tiff.decode(path) if image is None else decode(image, path)


def check_photo(path: Path, name: str = "", limits: Limits | None = None) -> Header:
    """What a file is, once it is known that all of it can be decoded. Raises as open_photo does,
    and Busy.
    """
    name, limits = name or path.name, limits or Limits()
    with _turn(), _opened(path, name, limits) as image:
        if image is None:
            photo = tiff.decode(path)
            return Header("TIFF", *photo.size)
        width, height = image.size
        if metadata.orientation(image) > 4:
            width, height = height, width
        form = goes_out_as(image.format or "", image.size)
        # a JPEG is read to its end but drawn at an eighth
        image.draft("RGB", (max(1, width // 8), max(1, height // 8)))
        image.load()
    return Header(form, width, height)


@contextmanager
def _turn() -> Iterator[None]:
    if not _checking.acquire(timeout=PATIENCE):
        raise Busy(f"other uploads were being checked for {PATIENCE} s")
    try:
        yield
    finally:
        _checking.release()


@contextmanager
def _opened(path: Path, name: str, limits: Limits) -> Iterator[ImageFile.ImageFile | None]:
    """The image, its header found within the limits; None for a TIFF that tifffile must read."""
    _weigh(path, name, limits)
    try:
        with _identified(path, name) as image:
            _measure(tiff.size(path) if image is None else image.size, name, limits)
            yield image
    except tiff.Unsupported as error:
        raise UnsupportedType(str(error), {"name": name}) from error
    except DAMAGE as error:
        raise BadImage(f"{type(error).__name__}: {error}", {"name": name}) from error


def _weigh(path: Path, name: str, limits: Limits) -> None:
    size = path.stat().st_size
    if size > limits.megabytes * 2**20:
        facts: dict[str, str | int] = {
            "name": name,
            "megabytes": ceil(size / 2**20),
            "limit": limits.megabytes,
        }
        raise TooHeavy(f"{size} bytes", facts)


def _measure(size: tuple[int, int], name: str, limits: Limits) -> None:
    pixels = size[0] * size[1]
    if pixels > limits.megapixels * 10**6:
        facts: dict[str, str | int] = {
            "name": name,
            "megapixels": ceil(pixels / 10**6),
            "limit": limits.megapixels,
        }
        raise TooLarge(f"{size[0]} x {size[1]} pixels", facts)
    if max(size) > LONGEST:
        raise TooLong(f"{size[0]} x {size[1]} pixels", {"name": name, "limit": LONGEST})


@contextmanager
def _identified(path: Path, name: str) -> Iterator[ImageFile.ImageFile | None]:
    """The type is what the content says, out of a short list; the name is not asked.

    Pillow gets a file, not a name: by name it maps plain TIFFs into memory, where it gets those
    that lie on their side wrong.
    """
    with path.open("rb") as file:
        start = file.read(32)
        _refuse_foreign(start, name)
        try:
            image = Image.open(file, formats=OPENED)
        except UnidentifiedImageError:
            if start[:4] not in tiff.MAGIC:
                raise
            yield None
            return
        with image:
            _refuse_traps(image, path, name)
            yield None if is_planar_deep(image) else image


def _refuse_foreign(start: bytes, name: str) -> None:
    """What does not begin as one of our formats is no damaged photo but something else."""
    webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    bmp = start[:2] == b"BM" and int.from_bytes(start[14:18], "little") in BMP_HEADERS
    if start and not (webp or bmp or start.startswith(MAGIC + tiff.MAGIC)):
        raise UnsupportedType(f"begins with {start[:12]!r}", {"name": name})


def _refuse_traps(image: ImageFile.ImageFile, path: Path, name: str) -> None:
    """Raw camera files, whose TIFF shows only a thumbnail, TIFFs of a few huge tiles, and JPEGs
    that take hours to decode.
    """
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        if DNG_VERSION in tags or (tags.get(SUBFILE, 0) & 1 and SUB_DIRECTORIES in tags):
            raise UnsupportedType("a raw camera file", {"name": name})
        tiff.measure_tile(tags, image.size)
    elif image.format in ("JPEG", "MPO"):
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            scans = sum(1 for _ in islice(re.finditer(SCAN, content), SCANS + 1))
        if scans > SCANS:
            raise BadImage(f"a JPEG of more than {SCANS} scans", {"name": name})
