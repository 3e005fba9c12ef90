"""What the file says goes with the photo: EXIF, XMP, IPTC, dpi, colour profile (issue 2)."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.PngImagePlugin import PngInfo

from ml.color import linear_from_srgb, srgb_from_linear
from ml.images import Photograph, open_photo, save_photo
from ml.images.metadata import LARGEST_XMP, read_xmp
from ml.images.profiles import grey_bytes, srgb_bytes
from tests.ml import drawn

CARRIERS = ["JPEG", "PNG", "WEBP", "TIFF"]
PACKET = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>%s</rdf:RDF></x:xmpmeta>'


def described() -> Image.Exif:
    """EXIF of a scan that lies on its side."""
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    exif[Base.Artist] = "Nadar"
    exif[Base.DateTime] = "1896:05:01 12:00:00"
    exif.get_ifd(IFD.Exif).update({0x9003: "1895:12:28 18:00:00", 0xA001: 65535, 0xA002: 64})
    exif.get_ifd(IFD.GPSInfo).update({1: "N", 2: (48.0, 52.0, 12.5)})
    return exif


def carried(form: str, tmp_path: Path, **facts: Any) -> tuple[Photograph, Image.Image]:
    """A photo of `form` with these facts, through open and save: as read, and the file written."""
    drawn.saved(tmp_path / "in", drawn.smooth(), format=form, **facts)
    photo = open_photo(tmp_path / "in")
    save_photo(photo, tmp_path / "out")
    return photo, Image.open(tmp_path / "out")


@pytest.mark.parametrize("form", CARRIERS)
def test_exif_is_carried_over_without_orientation(form: str, tmp_path: Path) -> None:
    photo, image = carried(form, tmp_path, exif=described().tobytes())
    with image:
        exif = image.getexif()
        assert exif[Base.Artist] == "Nadar"
        assert exif.get_ifd(IFD.Exif)[0x9003] == "1895:12:28 18:00:00"
        assert exif.get_ifd(IFD.GPSInfo)[2] == (48.0, 52.0, 12.5)
        assert Base.Orientation not in exif
        assert image.size == photo.size == (48, 64)


@pytest.mark.parametrize("form", CARRIERS)
def test_exif_tells_the_upright_width_and_srgb(form: str, tmp_path: Path) -> None:
    _, image = carried(form, tmp_path, exif=described().tobytes())
    with image:
        inner = image.getexif().get_ifd(IFD.Exif)
        assert (inner[0xA001], inner[0xA002]) == (1, 48)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_a_result_of_any_depth_carries_them_too(form: str, depth: type, tmp_path: Path) -> None:
    photo, image = carried(form, tmp_path, exif=described().tobytes(), dpi=(600, 600))
    image.close()
    deep = Photograph(drawn.noise(64, 48, 3, depth), None, form, photo.exif, photo.dpi, photo.xmp)
    save_photo(deep, tmp_path / "deep")
    again = open_photo(tmp_path / "deep")
    assert again.pixels.dtype == depth
    assert again.dpi == pytest.approx((600, 600), abs=0.1)
    with Image.open(tmp_path / "deep") as image:
        assert image.getexif()[Base.Artist] == "Nadar"
        assert image.getexif().get_ifd(IFD.GPSInfo)[1] == "N"


def test_bytes_that_are_not_ascii_survive(tmp_path: Path) -> None:
    name = "Élise Méliès".encode()
    entry = struct.pack("<HHII", Base.Artist, 2, len(name) + 1, 26)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + entry + bytes(4) + name + b"\0"
    photo, image = carried("JPEG", tmp_path, exif=exif)
    image.close()
    assert name in photo.exif
    assert name in (tmp_path / "out").read_bytes()


def test_the_grey_thumbnail_is_left_behind(tmp_path: Path) -> None:
    thumbnail = drawn.encoded(drawn.noise(16, 16), "JPEG")
    first = struct.pack("<HHHIIHHIII", 2, 0x112, 3, 1, 1, Base.Artist, 2, 4, 0x6161, 38)
    second = struct.pack("<HHHIIHHIII", 2, 0x201, 4, 1, 68, 0x202, 4, 1, len(thumbnail), 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0" + first + second + thumbnail
    photo, image = carried("JPEG", tmp_path, exif=exif)
    image.close()
    assert b"aa" in photo.exif
    assert thumbnail[:40] not in photo.exif
    assert thumbnail[:40] not in (tmp_path / "out").read_bytes()


def test_damaged_exif_does_not_cost_the_photo(tmp_path: Path) -> None:
    photo, image = carried("JPEG", tmp_path, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    image.close()
    assert photo.exif == b""


def test_a_directory_that_names_itself_ends(tmp_path: Path) -> None:
    loop = struct.pack("<HHHII", 1, IFD.Exif, 4, 1, 8) + bytes(4)
    carried("JPEG", tmp_path, exif=b"Exif\0\0II*\0\x08\0\0\0" + loop)[1].close()


def test_exif_too_long_for_jpeg_gives_up_the_makers_notes_first(tmp_path: Path) -> None:
    exif = described()
    exif.get_ifd(IFD.Exif)[Base.MakerNote] = bytes(80_000)
    photo, image = carried("PNG", tmp_path, exif=exif)
    image.close()
    save_photo(Photograph(photo.pixels, format="JPEG", exif=photo.exif), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.getexif()[Base.Artist] == "Nadar"
        assert Base.MakerNote not in image.getexif().get_ifd(IFD.Exif)


@pytest.mark.parametrize("form", CARRIERS)
def test_xmp_is_carried_over_without_rotation(form: str, tmp_path: Path) -> None:
    packet = PACKET % b'<rdf:Description tiff:Orientation="6" dc:title="Gare"/>'
    facts: dict[str, Any] = {"xmp": packet}
    if form == "PNG":
        facts = {"pnginfo": PngInfo()}
        facts["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode())
    if form == "TIFF":
        facts = {"tiffinfo": {700: packet}}
    photo, image = carried(form, tmp_path, **facts)
    with image:
        found = b" ".join(image.info["xmp"].split())
        assert found == PACKET % b'<rdf:Description dc:title="Gare"/>'
        assert image.size == photo.size


def test_thumbnails_in_xmp_are_cut_out() -> None:
    nested = b"<xmp:Thumbnails><rdf:li>%s</rdf:li></xmp:Thumbnails>" % (b"/9j/" * 99)
    packet = PACKET % (b"a" + nested + b"b" + nested.replace(b"xmp:", b"xap:") + b"c")
    assert read_xmp(packet) == PACKET % b"abc"


# A pattern that starts anew from every blank takes minutes for the short one, hours for the long.
@pytest.mark.timeout(30, method="signal")
@pytest.mark.parametrize("size", [LARGEST_XMP, 2**20])
@pytest.mark.parametrize("filler", [b" ", b"\n", b"<xmp:Thumbnails ", b"tiff:Orientation  "])
def test_hostile_xmp_takes_no_time(filler: bytes, size: int) -> None:
    packet = (filler * size)[:size]
    assert read_xmp(packet) == (packet if size == LARGEST_XMP else b"")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "BMP"])
def test_dots_per_inch_are_carried_over(form: str, tmp_path: Path) -> None:
    photo, image = carried(form, tmp_path, dpi=(600, 300))
    with image:
        assert photo.dpi == pytest.approx((600, 300), abs=0.1)
        assert image.info["dpi"] == pytest.approx((600, 300), abs=0.1)


def test_iptc_is_carried_over_in_jpeg_and_tiff(tmp_path: Path) -> None:
    record = b"\x1c\x02\x78\x00\x04Gare"  # 2:120, caption
    tag = [(33723, "B", len(record), record, True)]
    tifffile.imwrite(tmp_path / "in.tif", drawn.smooth(), photometric="rgb", extratags=tag)
    photo = open_photo(tmp_path / "in.tif")
    assert photo.iptc == record
    for form in ("TIFF", "JPEG"):
        twin = Photograph(photo.pixels, format=form, iptc=record)
        save_photo(twin, tmp_path / "out")
        assert open_photo(tmp_path / "out").iptc == record


def test_a_photo_without_facts_gets_none(tmp_path: Path) -> None:
    for form in CARRIERS:
        photo, image = carried(form, tmp_path)
        image.close()
        assert (photo.exif, photo.xmp, photo.iptc) == (b"", b"", b"")


# Colour profiles


def test_adobe_rgb_becomes_srgb(tmp_path: Path) -> None:
    colours = drawn.smooth() // 2 + 64
    photo = open_photo(drawn.saved(tmp_path / "a.png", colours, icc_profile=drawn.adobe_rgb()))
    assert np.abs(photo.pixels.astype(int) - from_adobe(colours / 255) * 255).max() < 2


def test_16_bit_adobe_rgb_becomes_srgb_at_16_bits(tmp_path: Path) -> None:
    colours = (drawn.smooth() // 2 + 64).astype(np.uint16) * 257 + drawn.noise(48, 64, 3)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, colours, photometric="rgb", iccprofile=drawn.adobe_rgb())
    expected = from_adobe(colours / 65535) * 65535
    assert np.abs(open_photo(path).pixels - expected).max() < 65535 * 0.002


def from_adobe(values: np.ndarray) -> np.ndarray:
    """Adobe RGB (1998) 0..1 to sRGB 0..1, both under D65, by the matrices of their standards."""
    to_xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529],
                       [0.02703, 0.07069, 0.99134]])  # fmt: skip
    to_srgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415],
                        [0.0557, -0.2040, 1.0570]])  # fmt: skip
    return srgb_from_linear(values ** (563 / 256) @ (to_srgb @ to_xyz).T)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_a_grey_profile_is_applied_at_both_depths(gamma: float, tmp_path: Path) -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    exponent = round(gamma * 256) / 256
    expected = srgb_from_linear((ramp / 65535) ** exponent)
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, ramp, photometric="minisblack", iccprofile=drawn.gamma_grey(gamma))
    assert np.abs(open_photo(path).pixels / 65535 - expected).max() < 0.001
    eight = (ramp >> 8).astype(np.uint8)
    drawn.saved(tmp_path / "a.png", eight, icc_profile=drawn.gamma_grey(gamma))
    expected = srgb_from_linear((eight / 255) ** exponent) * 255
    assert np.abs(open_photo(tmp_path / "a.png").pixels - expected).max() < 1


@pytest.mark.parametrize(
    "icc",
    [
        srgb_bytes(),
        drawn.rgb_profile(
            (0.43607, 0.22249, 0.01392),
            (0.38515, 0.71687, 0.09708),
            (0.14307, 0.06061, 0.71410),
            2.2,
        ),
    ],
)
def test_a_grey_photo_under_an_rgb_profile_stays_grey(icc: bytes, tmp_path: Path) -> None:
    path = drawn.saved(tmp_path / "a.png", drawn.noise(31, 17), "RGB", icc_profile=icc)
    assert open_photo(path).pixels.shape == (31, 17)


def test_pixels_that_are_srgb_already_stay_as_they_are(tmp_path: Path) -> None:
    colours, grey = drawn.noise(31, 17, 3), drawn.noise(31, 17, 1, np.uint16)
    path = drawn.saved(tmp_path / "a.png", colours, icc_profile=srgb_bytes())
    assert np.array_equal(open_photo(path).pixels, colours)
    path = drawn.saved(tmp_path / "b.png", grey, icc_profile=grey_bytes())
    assert np.array_equal(open_photo(path).pixels, grey)


@pytest.mark.parametrize("icc", [b"no profile", b"\0" * 200, drawn.adobe_rgb()[:300]])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_broken_profile_is_ignored(icc: bytes, dtype: type, tmp_path: Path) -> None:
    colours = drawn.noise(31, 17, 3, dtype)
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb", iccprofile=icc)
    assert np.array_equal(open_photo(tmp_path / "a.tif").pixels, colours)


def test_a_profile_for_another_kind_of_picture_is_ignored(tmp_path: Path) -> None:
    grey = drawn.noise(31, 17)
    path = drawn.saved(tmp_path / "a.png", grey, icc_profile=drawn.adobe_rgb())
    assert np.array_equal(open_photo(path).pixels, grey)


def test_16_bits_under_a_profile_of_tables_stay_smooth() -> None:
    from ml.images import profiles

    convert = profiles._lattice_converter(drawn.adobe_rgb())
    assert convert is not None
    ramp = np.repeat(np.linspace(16000, 48000, 5000)[None, :, None], 3, axis=2).astype(np.uint16)
    turned = convert(ramp)[0].astype(int)
    assert np.diff(turned, axis=0).min() >= 0
    assert len(np.unique(turned[:, 1])) > 4000, "8-bit steps would leave about 125"


def test_linear_light_is_what_the_curves_say() -> None:
    from ml.images import profiles

    curve = profiles._linear(b"curv" + struct.pack(">IIH", 0, 1, 563))
    levels = np.linspace(0, 1, 65536)
    assert np.abs(curve - levels ** (563 / 256)).max() < 0.001
    assert linear_from_srgb(np.float32(1)) == 1
