"""What does not come in, and the error that says so (S144-S146)."""

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from ml.errors import BadImage, Busy, ColorizeError, TooHeavy, TooLarge, TooLong, UnsupportedType
from ml.images import Limits, check_photo, open_photo, opening
from ml.images.opening import SCANS
from tests.ml import drawn

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # it warns of damage it mends

FOREIGN = {
    "notes.jpg": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "page.png": b"<!doctype html><html><body>404</body></html>",
    "logo.jpg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "figure.tif": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "layers.png": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(64),
    "text.bmp": b"BMW 2002, the photo album",
    "words.gif": b"hello",
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_photo_is_unsupported_whatever_its_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FOREIGN[name])
    refused(path, UnsupportedType, f'"{name}" is not a photo we can read')


@pytest.mark.parametrize(
    "form", ["ICO", "PPM", "PCX", "TGA", "JPEG2000", "ICNS", "EPS", "PDF", "SGI"]
)
def test_pictures_in_other_formats_are_unsupported(form: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(drawn.encoded(drawn.smooth(64, 64), form))
    refused(path, UnsupportedType, "is not a photo")


def refused(path: Path, error: type[ColorizeError], says: str = "") -> None:
    """Both entrances refuse the file with the same sentence."""
    for read in (check_photo, open_photo):
        with pytest.raises(error) as caught:
            read(path)
        assert type(caught.value) is error
        assert says in str(caught.value)


def test_an_empty_file_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    refused(tmp_path / "a.jpg", BadImage, '"a.jpg" is damaged')


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_a_truncated_photo_is_damaged(form: str, share: float, tmp_path: Path) -> None:
    whole = drawn.encoded(drawn.noise(96, 96, 3), form)
    path = tmp_path / "a"
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, BadImage, "is damaged")


def test_a_truncated_progressive_jpeg_is_damaged(tmp_path: Path) -> None:
    whole = drawn.encoded(drawn.noise(96, 96, 3), "JPEG", progressive=True)
    (tmp_path / "a").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "a", BadImage)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_truncated_16_bit_png_is_damaged(channels: int, tmp_path: Path) -> None:
    path = drawn.png16(tmp_path / "a.png", drawn.noise(40, 40, channels, np.uint16))
    path.write_bytes(path.read_bytes()[:-600])
    refused(path, BadImage)


def test_a_truncated_planar_tiff_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    planes = drawn.noise(40, 3, 40, np.uint16).swapaxes(0, 1)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    path.write_bytes(path.read_bytes()[:-600])
    refused(path, BadImage)


@pytest.mark.parametrize("form", ["PNG", "GIF", "BMP", "JPEG", "WEBP", "TIFF"])
def test_pixels_turned_to_rubbish_end_in_no_crash(form: str, tmp_path: Path) -> None:
    whole = drawn.encoded(drawn.smooth(), form)
    for seed in range(40):
        damaged = bytearray(whole)
        for place in np.random.default_rng(seed).integers(2, len(whole), 8):
            damaged[place] ^= 0xFF
        (tmp_path / "a").write_bytes(damaged)
        try:
            assert open_photo(tmp_path / "a").pixels.size
        except ColorizeError as error:
            assert error.code in ("bad_image", "unsupported_type", "too_large")


def test_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    whole = bytearray(drawn.encoded(drawn.noise(40, 40), "PNG"))
    whole[whole.index(b"IDAT") + 40] ^= 1
    (tmp_path / "a.png").write_bytes(whole)
    refused(tmp_path / "a.png", BadImage)


@pytest.mark.parametrize("side", [10001, 65535, 2**31 - 1])
def test_too_many_pixels_are_refused_by_the_header_alone(side: int, tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(drawn.png_of(side, 10000, drawn.chunk(b"IDAT", b"")))
    refused(path, TooLarge, "megapixels; the limit is 100.")


def test_the_megapixels_told_are_above_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    path.write_bytes(drawn.png_of(10001, 10000, drawn.chunk(b"IDAT", b"")))
    refused(path, TooLarge, '"scan.png" has 101 megapixels; the limit is 100.')


@pytest.mark.parametrize("size", [(65501, 1), (1, 65501)])
def test_a_strip_longer_than_jpeg_can_hold_is_refused(
    size: tuple[int, int], tmp_path: Path
) -> None:
    Image.new("L", size).save(tmp_path / "strip.png")
    refused(tmp_path / "strip.png", TooLong, "more than 65500 pixels")


def test_a_large_tiff_that_pillow_does_not_know_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    samples = np.zeros((40, 30, 2), np.uint16)
    tifffile.imwrite(path, samples, photometric="minisblack", extrasamples=["unassalpha"])
    with pytest.raises(TooLarge):
        open_photo(path, limits=Limits(megapixels=0))


def test_too_many_bytes_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    with path.open("wb") as file:
        file.truncate(50 * 2**20 + 1)
    refused(path, TooHeavy, '"scan.tif" has 51 MB; the limit is 50 MB.')


def test_the_name_the_user_knows_is_in_the_sentence(tmp_path: Path) -> None:
    (tmp_path / "0193ab").write_bytes(b"")
    with pytest.raises(BadImage, match=r"IMG_12\.jpg"):
        open_photo(tmp_path / "0193ab", "IMG_12.jpg")


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_bomb_in_a_png_text_is_damage(kind: bytes, tmp_path: Path) -> None:
    packed = zlib.compress(bytes(2**23), 9)
    lead = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[kind]
    pixels = drawn.chunk(b"IDAT", zlib.compress(bytes(9 * 10)))
    path = tmp_path / "a.png"
    path.write_bytes(drawn.png_of(9, 9, drawn.chunk(kind, lead + packed), pixels))
    refused(path, BadImage)


def test_a_jpeg_of_thousands_of_scans_is_refused(tmp_path: Path) -> None:
    whole = drawn.encoded(drawn.smooth(), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(whole[:last] + whole[last:-2] * 300 + whole[-2:])
    refused(tmp_path / "a.jpg", BadImage)


def test_scan_markers_are_counted_no_further_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    find = re.finditer
    monkeypatch.setattr(
        "ml.images.opening.re.finditer",
        lambda *given: (looked.append(found.start()) or found for found in find(*given)),
    )
    (tmp_path / "a.jpg").write_bytes(drawn.encoded(drawn.smooth(), "JPEG") + b"\xff\xda" * 9999)
    refused(tmp_path / "a.jpg", BadImage)
    assert len(looked) == 2 * (SCANS + 1), "by check_photo and open_photo"


def test_an_upload_does_not_wait_for_ever_to_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drawn.saved(tmp_path / "a.png", drawn.noise(9, 9))
    monkeypatch.setattr(opening, "PATIENCE", 0.01)
    with opening._checking, pytest.raises(Busy, match="Try again in a minute"):
        check_photo(path)
    assert check_photo(path).width == 9


def test_absurd_tiff_tags_are_damage(tmp_path: Path) -> None:
    for tag in (256, 257, 258, 273, 277, 278, 279, 282, 284):
        for kind, count, value in ((4, 2**31, 8), (5, 1, 2**31), (2, 2**30, 2**31), (3, 0, 0)):
            whole = bytearray(drawn.encoded(drawn.noise(9, 9), "TIFF"))
            place = directory_entry(whole, tag)
            if place:
                struct.pack_into("<HII", whole, place + 2, kind, count, value)
            (tmp_path / "a.tif").write_bytes(whole)
            try:
                assert open_photo(tmp_path / "a.tif").pixels.size
            except ColorizeError as error:
                assert error.code in ("bad_image", "unsupported_type", "too_large")


def directory_entry(tiff: bytearray, tag: int) -> int:
    """Where a tag stands in the first directory, 0 if nowhere."""
    (place,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, place)
    places = range(place + 2, place + 2 + 12 * count, 12)
    return next((at for at in places if struct.unpack_from("<H", tiff, at)[0] == tag), 0)


def test_a_raw_camera_file_is_unsupported_not_a_thumbnail(tmp_path: Path) -> None:
    thumbnail = drawn.noise(12, 16, 3)
    version = [(50706, "B", 4, bytes([1, 4, 0, 0]), True)]
    tifffile.imwrite(tmp_path / "a.dng", thumbnail, photometric="rgb", extratags=version)
    refused(tmp_path / "a.dng", UnsupportedType)


def planar(path: Path, **options: Any) -> Path:
    """A 16-bit colour TIFF of three planes, which Pillow leaves to tifffile."""
    planes = drawn.noise(3, 16, 16, np.uint16)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate", **options)
    return path


def with_strip(path: Path, strip: bytes) -> Path:
    """The TIFF with each of its strips replaced by one and the same, appended to it."""
    with tifffile.TiffFile(path, mode="r+b") as file:
        count, end = len(file.pages.first.dataoffsets), path.stat().st_size
        file.pages.first.tags["StripOffsets"].overwrite([end] * count)
        file.pages.first.tags["StripByteCounts"].overwrite([len(strip)] * count, dtype="I")
    with path.open("ab") as whole:
        whole.write(strip)
    return path


def test_a_strip_that_unpacks_to_more_than_its_rows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = with_strip(planar(tmp_path / "a.tif", compression="zlib"), zlib.compress(bytes(2**24)))
    with bomb.open("ab") as file:
        file.write(bytes(2**17))  # room enough for three such strips
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_, **__: pytest.fail("unpacked"))
    refused(bomb, BadImage)


def test_strips_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    strip = zlib.compress(bytes(16 * 16 * 2)).ljust(2**20, b"\0")
    refused(with_strip(planar(tmp_path / "a.tif", compression="zlib"), strip), BadImage)


def test_a_compression_without_a_bound_is_unsupported(tmp_path: Path) -> None:
    refused(planar(tmp_path / "a.tif", compression="lzma"), UnsupportedType)


def test_a_tile_far_larger_than_its_photo_is_unsupported(tmp_path: Path) -> None:
    path = planar(tmp_path / "a.tif", compression="zlib", tile=(16, 16))
    with tifffile.TiffFile(path, mode="r+b") as file:
        for tag in ("TileWidth", "TileLength"):
            file.pages.first.tags[tag].overwrite(2**14)
    refused(path, UnsupportedType)


def test_a_tile_far_larger_than_its_photo_is_unsupported_in_a_plain_tiff(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pixels = drawn.noise(64, 64)
    tifffile.imwrite(path, pixels, photometric="minisblack", compression="zlib", tile=(16, 16))
    with tifffile.TiffFile(path, mode="r+b") as file:
        for tag in ("TileWidth", "TileLength"):
            file.pages.first.tags[tag].overwrite(2**14)
    refused(path, UnsupportedType)


def test_a_tile_or_a_strip_larger_than_its_photo_is_usual(tmp_path: Path) -> None:
    pixels = drawn.noise(9, 9)
    for number, options in enumerate(({"tile": (256, 256)}, {"rowsperstrip": 2**20})):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, pixels, photometric="minisblack", compression="zlib", **options)
        assert (open_photo(path).pixels == pixels).all()


@pytest.mark.parametrize(("samples", "dtype"), [(5, np.uint16), (3, np.float32)])
def test_more_than_eight_bytes_a_pixel_are_unsupported(
    samples: int, dtype: type, tmp_path: Path
) -> None:
    pixels = np.zeros((9, 9, samples), dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    refused(tmp_path / "a.tif", UnsupportedType)


def test_volumes_are_unsupported(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 16, 16, 5), np.float16), volumetric=True,
                     tile=(4, 16, 16), photometric="minisblack", planarconfig="contig")  # fmt: skip
    refused(tmp_path / "a.tif", UnsupportedType)


def test_pillows_repair_of_truncated_files_stays_off() -> None:
    from PIL import ImageFile

    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert Image.MAX_IMAGE_PIXELS is None, "ml.images measures every header itself"
