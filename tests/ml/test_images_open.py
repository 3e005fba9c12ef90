"""What comes in: every kind of photo upright, in sRGB, at its own depth (S144)."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from ml.images import check_photo, open_photo
from tests.ml import drawn

SIDES = st.integers(1, 40)
LOSSLESS = ["png", "tif", "bmp"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_it_turns_a_photo_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    stored = drawn.noise(17, 31, 3)
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    path = drawn.saved(tmp_path / f"a.{suffix}", stored, exif=exif, **options)
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    photo = open_photo(path)
    assert np.array_equal(photo.pixels, upright)
    header = check_photo(path)
    assert (header.width, header.height) == photo.size


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_it_turns_16_bit_photos_upright(channels: int, orientation: int, tmp_path: Path) -> None:
    stored = drawn.noise(5, 8, channels, np.uint16)
    tag = [(274, "H", 1, orientation, True)]
    kind = "rgb" if channels > 2 else "minisblack"
    extra = None if channels % 2 else ["unassalpha"]
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        stored,
        photometric=kind,
        extrasamples=extra,
        extratags=tag,
        planarconfig=None if channels == 1 else "contig",
    )
    turned = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1],
        5: stored.swapaxes(0, 1), 6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(stored),
    }[orientation].reshape(-1, channels)  # fmt: skip
    photo = open_photo(path)
    parts = [photo.pixels.reshape(len(turned), -1)]
    if photo.alpha is not None:
        parts.append(photo.alpha.reshape(-1, 1))
    assert np.array_equal(np.concatenate(parts, axis=1), turned)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_turns_plain_grey_tiffs_upright(orientation: int, tmp_path: Path) -> None:
    stored = drawn.noise(5, 8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored, extratags=[(274, "H", 1, orientation, True)])
    exif = Image.Exif()
    exif[274] = orientation
    twin = drawn.saved(tmp_path / "a.png", stored, exif=exif)
    assert np.array_equal(open_photo(path).pixels, open_photo(twin).pixels)


@pytest.mark.parametrize("nonsense", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(nonsense: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = nonsense
    path = drawn.saved(tmp_path / "a.png", drawn.noise(3, 5), exif=exif)
    assert open_photo(path).size == (5, 3)


@pytest.mark.parametrize("suffix", [*LOSSLESS, "gif"])
@given(height=SIDES, width=SIDES)
@settings(max_examples=15, deadline=None)
def test_8_bit_grey_comes_in_exactly(
    suffix: str, tmp_path_factory: pytest.TempPathFactory, height: int, width: int
) -> None:
    grey = drawn.noise(height, width)
    path = drawn.saved(tmp_path_factory.mktemp("grey") / f"a.{suffix}", grey)
    photo = open_photo(path)
    assert photo.pixels.dtype == np.uint8
    assert np.array_equal(photo.pixels, grey)


@pytest.mark.parametrize("interlace", [False, True])
@given(height=SIDES, width=SIDES, channels=st.sampled_from([1, 2, 3, 4]))
@settings(max_examples=20, deadline=None)
def test_16_bit_png_comes_in_exactly(
    interlace: bool,
    tmp_path_factory: pytest.TempPathFactory,
    height: int,
    width: int,
    channels: int,
) -> None:
    samples = drawn.noise(height, width, channels, np.uint16)
    path = drawn.png16(tmp_path_factory.mktemp("deep") / "a.png", samples, interlace=interlace)
    check_photo(path)
    photo = open_photo(path)
    layers = samples.reshape(height, width, channels)
    colours = layers[..., 0] if channels < 3 else layers[..., :3]
    assert np.array_equal(photo.pixels, colours)
    assert (photo.alpha is None) == bool(channels % 2)
    assert photo.alpha is None or np.array_equal(photo.alpha, layers[..., -1])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_16_bit_colour_tiff_comes_in_exactly(
    order: str, compression: str | None, planar: str, tmp_path: Path
) -> None:
    colours = drawn.noise(31, 17, 3, np.uint16)
    stored = colours if planar == "contig" else np.moveaxis(colours, -1, 0)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        stored,
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
        byteorder=order,
    )
    check_photo(path)
    assert np.array_equal(open_photo(path).pixels, colours)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("white", ["minisblack", "miniswhite"])
def test_16_bit_grey_tiff_is_not_white(order: str, white: str, tmp_path: Path) -> None:
    grey = drawn.noise(31, 17, 1, np.uint16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey, photometric=white, byteorder=order)
    expected = grey if white == "minisblack" else 65535 - grey
    assert np.array_equal(open_photo(path).pixels, expected)


def test_lzw_scans_keep_their_16_bits(tmp_path: Path) -> None:
    grey = drawn.noise(31, 17, 1, np.uint16)
    path = drawn.saved(tmp_path / "a.tif", grey, compression="tiff_lzw")
    assert np.array_equal(open_photo(path).pixels, grey)


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_a_float_scan_is_read_by_its_range(white: float, tmp_path: Path) -> None:
    ramp = np.linspace(0, white, 600, dtype=np.float32).reshape(20, 30)
    photo = open_photo(drawn.saved(tmp_path / "a.tif", ramp))
    assert np.abs(photo.pixels - np.linspace(0, 65535, 600).reshape(20, 30)).max() <= 1


def test_not_a_number_is_black_and_the_rest_stays(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    ramp[3, 4] = np.nan
    photo = open_photo(drawn.saved(tmp_path / "a.tif", ramp))
    assert photo.pixels[3, 4] == 0
    assert photo.pixels[-1, -1] == 65535


def test_signed_scans_are_stretched_from_least_to_greatest(tmp_path: Path) -> None:
    signed = np.array([[-500, 0], [500, 1500]], np.int16)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, signed, photometric="minisblack")
    assert open_photo(path).pixels.tolist() == [[0, 16384], [32768, 65535]]


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_colours_come_in_exactly(suffix: str, tmp_path: Path) -> None:
    colours = drawn.noise(31, 17, 3)
    path = drawn.saved(tmp_path / f"a.{suffix}", colours)
    assert np.array_equal(open_photo(path).pixels, colours)


@pytest.mark.parametrize("suffix", LOSSLESS)
def test_grey_saved_as_colour_is_grey_again(suffix: str, tmp_path: Path) -> None:
    grey = drawn.noise(31, 17)
    path = drawn.saved(tmp_path / f"a.{suffix}", grey, "RGB")
    assert np.array_equal(open_photo(path).pixels, grey)


def test_a_grey_jpeg_of_three_channels_is_grey(tmp_path: Path) -> None:
    path = drawn.saved(tmp_path / "a.jpg", drawn.noise(31, 17), "RGB")
    assert open_photo(path).pixels.shape == (31, 17)


def test_one_coloured_pixel_is_enough_for_colour(tmp_path: Path) -> None:
    colours = np.repeat(drawn.noise(31, 17)[..., None], 3, axis=2)
    colours[-1, -1] = (1, 2, 3)
    assert open_photo(drawn.saved(tmp_path / "a.png", colours)).pixels.shape == (31, 17, 3)


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    dots = drawn.noise(31, 17) > 127
    for suffix in LOSSLESS:
        photo = open_photo(drawn.saved(tmp_path / f"a.{suffix}", dots))
        assert np.array_equal(photo.pixels, np.where(dots, 255, 0))


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = Image.fromarray(drawn.smooth()).quantize(50)
    for suffix in [*LOSSLESS, "gif"]:
        image.save(tmp_path / f"a.{suffix}")
        expected = np.asarray(image.convert("RGB"))
        assert np.array_equal(open_photo(tmp_path / f"a.{suffix}").pixels, expected)


def test_the_transparent_colour_of_a_palette_is_alpha(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8)).convert("P")
    for suffix in ("gif", "png"):
        image.save(tmp_path / f"a.{suffix}", transparency=1)
        photo = open_photo(tmp_path / f"a.{suffix}")
        assert photo.alpha is not None
        assert photo.alpha.tolist() == [[255, 0], [0, 255]]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_alpha_comes_in_exactly(mode: str, suffix: str, tmp_path: Path) -> None:
    pixels = drawn.noise(31, 17, len(mode))
    Image.fromarray(pixels, mode).save(tmp_path / f"a.{suffix}")
    photo = open_photo(tmp_path / f"a.{suffix}")
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, pixels[..., -1])
    assert np.array_equal(photo.pixels, pixels[..., 0] if mode == "LA" else pixels[..., :3])


def test_a_16_bit_transparent_colour_is_alpha(tmp_path: Path) -> None:
    colours = drawn.noise(9, 8, 3, np.uint16)
    clear = tuple(int(n) for n in colours[4, 5])
    photo = open_photo(drawn.png16(tmp_path / "a.png", colours, transparent=clear))
    assert photo.alpha is not None
    assert photo.alpha[4, 5] == 0
    assert (photo.alpha == 0).sum() == 1


def test_cmyk_is_the_colour_that_was_printed(tmp_path: Path) -> None:
    colours = drawn.smooth()
    for suffix in ("tif", "jpg"):
        path = drawn.saved(tmp_path / f"a.{suffix}", colours, "CMYK", **JPEG_OPTIONS[suffix])
        error = np.abs(open_photo(path).pixels.astype(int) - colours)
        assert error.mean() < 3, "an inverted CMYK JPEG would be off by about 128"


JPEG_OPTIONS: dict[str, dict[str, int]] = {"jpg": {"quality": 100}, "tif": {}}


def test_ycbcr_tiff_is_read(tmp_path: Path) -> None:
    colours = drawn.smooth()
    path = drawn.saved(tmp_path / "a.tif", colours, "YCbCr")
    assert np.abs(open_photo(path).pixels.astype(int) - colours).max() <= 3


def test_lab_tiff_is_read(tmp_path: Path) -> None:
    colours = drawn.smooth() // 2 + 64
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    ImageCms.profileToProfile(
        Image.fromarray(colours), srgb, lab, outputMode="LAB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    ).save(tmp_path / "a.tif")  # fmt: skip
    assert np.abs(open_photo(tmp_path / "a.tif").pixels.astype(int) - colours).mean() < 1


@pytest.mark.parametrize("suffix", ["gif", "png", "tif", "webp"])
def test_of_many_pictures_the_first_is_taken(suffix: str, tmp_path: Path) -> None:
    first, second = (Image.new("L", (17, 31), value) for value in (60, 200))
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[second])
    pixels = open_photo(tmp_path / f"a.{suffix}").pixels
    assert pixels.shape[:2] == (31, 17)
    assert np.abs(pixels.astype(int) - 60).max() <= 1


def test_a_phones_two_view_jpeg_is_a_jpeg(tmp_path: Path) -> None:
    views = [Image.fromarray(drawn.smooth()) for _ in range(2)]
    views[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=views[1:])
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "MPO"
    assert check_photo(tmp_path / "a.jpg").format == "JPEG"
    assert open_photo(tmp_path / "a.jpg").format == "JPEG"


def test_the_content_says_the_type_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(drawn.encoded(drawn.smooth(), "PNG"))
    assert check_photo(path).format == "PNG"
    assert open_photo(path).format == "PNG"
