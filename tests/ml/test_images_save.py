"""What goes out: the format, size, depth, alpha and facts of what came in (S140)."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import png
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from ml.images import (
    MIME,
    SUFFIX,
    Photograph,
    check_photo,
    downscaled,
    open_photo,
    save_photo,
    save_preview,
)
from tests.ml import drawn

EXACT = {"PNG": (np.uint8, np.uint16), "TIFF": (np.uint8, np.uint16), "BMP": (np.uint8,)}


@given(data=st.data(), height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=80, deadline=None)
def test_lossless_formats_give_back_every_pixel(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, height: int, width: int
) -> None:
    form = data.draw(st.sampled_from(sorted(EXACT)))
    dtype = data.draw(st.sampled_from(EXACT[form]))
    channels = data.draw(st.sampled_from([1, 3]))
    alpha = drawn.noise(height, width, 1, dtype) if data.draw(st.booleans()) else None
    photo = Photograph(
        drawn.noise(height, width, channels, dtype), None if form == "BMP" else alpha, form
    )
    again = saved_and_opened(photo, tmp_path_factory.mktemp("exact"))
    assert (again.format, again.size) == (form, photo.size)
    assert again.pixels.dtype == dtype
    assert np.array_equal(again.pixels, photo.pixels) or is_grey(photo)
    assert photo.alpha is None or np.array_equal(again.alpha, photo.alpha)  # type: ignore[arg-type]


def is_grey(photo: Photograph) -> bool:
    """A pixel or two of noise may come out grey, which is read back as (H, W)."""
    return photo.pixels.ndim == 3 and bool((photo.pixels == photo.pixels[..., :1]).all())


def saved_and_opened(photo: Photograph, folder: Path) -> Photograph:
    path = folder / f"out{SUFFIX[photo.format]}"
    save_photo(photo, path)
    return open_photo(path)


def test_every_format_says_its_type_and_suffix() -> None:
    assert set(MIME) == set(SUFFIX) == {"JPEG", "PNG", "WEBP", "TIFF", "BMP"}


def test_others_read_our_16_bit_files(tmp_path: Path) -> None:
    colours = drawn.noise(31, 17, 3, np.uint16)
    save_photo(Photograph(colours, format="TIFF"), tmp_path / "a.tif")
    save_photo(Photograph(colours, format="PNG"), tmp_path / "a.png")
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), colours)
    rows = png.Reader(str(tmp_path / "a.png")).asDirect()[2]
    assert np.array_equal(np.vstack(list(rows)).reshape(colours.shape), colours)


def test_a_photo_of_several_bands_is_written_whole(tmp_path: Path) -> None:
    colours = drawn.noise(1500, 1100, 3, np.uint16)  # a band is 953 rows
    for form in ("PNG", "TIFF"):
        again = saved_and_opened(Photograph(colours, format=form), tmp_path)
        assert np.array_equal(again.pixels, colours)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_lossy_formats_stay_close(form: str, tmp_path: Path) -> None:
    photo = Photograph(drawn.smooth(), format=form, lossless=False)
    again = saved_and_opened(photo, tmp_path)
    assert again.size == photo.size
    assert np.abs(again.pixels.astype(int) - photo.pixels).mean() < 2.5


def test_a_jpeg_keeps_its_colour_at_full_size(tmp_path: Path) -> None:
    save_photo(Photograph(drawn.smooth(), format="JPEG"), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


def test_a_lossless_webp_stays_lossless(tmp_path: Path) -> None:
    colours, alpha = drawn.noise(31, 17, 3), drawn.noise(31, 17)
    drawn.saved(tmp_path / "in.webp", np.dstack([colours, alpha]), lossless=True, exact=True)
    photo = open_photo(tmp_path / "in.webp")
    assert photo.lossless
    again = saved_and_opened(photo, tmp_path)
    assert np.array_equal(again.pixels, colours)
    assert np.array_equal(again.alpha, alpha)  # type: ignore[arg-type]
    drawn.saved(tmp_path / "in.webp", colours)
    assert not open_photo(tmp_path / "in.webp").lossless


def test_a_gif_goes_out_as_png(tmp_path: Path) -> None:
    photo = open_photo(drawn.saved(tmp_path / "a.gif", drawn.noise(31, 17)))
    save_photo(photo, tmp_path / "out.png")
    assert drawn_format(tmp_path / "out.png") == "PNG"


def test_a_webp_too_large_for_its_encoder_goes_out_as_png(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drawn.saved(tmp_path / "a.webp", drawn.noise(31, 17))
    assert (open_photo(path).format, check_photo(path).format) == ("WEBP", "WEBP")
    monkeypatch.setattr("ml.images.photograph.WEBP_PIXELS", 31 * 17 - 1)
    assert (open_photo(path).format, check_photo(path).format) == ("PNG", "PNG")


def drawn_format(path: Path) -> str | None:
    with Image.open(path) as image:
        return image.format


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("shape", [(31, 17), (31, 17, 3)])
def test_the_file_says_that_it_is_srgb(form: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    save_photo(Photograph(np.full(shape, 90, np.uint8), format=form), tmp_path / "a")
    with Image.open(tmp_path / "a") as image:
        profile = drawn.profile(image)
        space = "GRAY" if len(shape) == 2 and form != "WEBP" else "RGB "
        assert profile.profile.xcolor_space == space
        assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_two_writes_are_the_same_bytes(tmp_path: Path) -> None:
    photo = Photograph(drawn.noise(31, 17, 3), format="TIFF", dpi=(600, 600))
    for name in ("a", "b"):
        save_photo(photo, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    too_wide = Photograph(np.zeros((1, 70000), np.uint8), format="JPEG")  # JPEG ends at 65500
    with pytest.raises(OSError):
        save_photo(too_wide, path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.jpg"]  # noqa: PTH208


def test_a_preview_is_small_upright_and_bare(tmp_path: Path) -> None:
    colours = np.kron(drawn.smooth(30, 50), np.ones((100, 100, 1), np.uint8))
    exif = Image.Exif()
    exif[315] = "Nadar"
    photo = open_photo(drawn.saved(tmp_path / "a.png", colours, exif=exif))
    assert save_preview(photo, tmp_path / "out", 500) == "JPEG"
    preview = open_photo(tmp_path / "out")
    assert preview.size == (500, 300)
    assert (preview.exif, preview.format) == (b"", "JPEG")
    means = preview.pixels.mean(axis=(0, 1)) - colours.mean(axis=(0, 1))
    assert np.abs(means).max() < 2


def test_a_preview_keeps_alpha_as_png(tmp_path: Path) -> None:
    photo = Photograph(drawn.noise(31, 17, 1, np.uint16), drawn.noise(31, 17, 1, np.uint16))
    assert save_preview(photo, tmp_path / "out", 10) == "PNG"
    preview = open_photo(tmp_path / "out")
    assert preview.size == (5, 10)
    assert preview.alpha is not None


@given(height=st.integers(1, 300), width=st.integers(1, 300), side=st.integers(1, 120))
@settings(max_examples=40, deadline=None)
def test_a_preview_never_grows_and_fits(height: int, width: int, side: int) -> None:
    grey: NDArray[np.uint16] = np.full((height, width), 257 * 99, np.uint16)
    small = downscaled(Photograph(grey), side)
    assert max(small.size) == min(side, max(height, width))
    assert small.pixels.dtype == np.uint8
    assert (small.pixels == 99).all()


# Kilobytes at the peak since exec; Linux' ru_maxrss also counts what the process was before it.
PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""

MEASURE = """
    import sys
    from dataclasses import replace
    from pathlib import Path
    import numpy as np
    from ml.images import check_photo, open_photo, save_photo

    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    assert check_photo(source).width == 10000
    photo = open_photo(source)
    colours = np.empty((*photo.pixels.shape, 3), np.uint8)
    for channel in range(3):
        colours[..., channel] = photo.pixels
    colours[0, 0] = 9, 8, 7
    save_photo(replace(photo, pixels=colours), target)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_100_megapixels_fit_into_the_memory_of_the_host(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jpg", tmp_path / "out.jpg"
    Image.linear_gradient("L").resize((10000, 10000)).save(source)
    script = textwrap.dedent(MEASURE) + PEAK
    done = subprocess.run(
        [sys.executable, "-c", script, source, target], check=True, capture_output=True, text=True
    )
    assert int(done.stdout) < 1200 * 1024, "kilobytes of RSS at the peak"
    with Image.open(target) as image:
        assert image.size == (10000, 10000)


HOST = """
    import sys
    from pathlib import Path
    from ml import host
    from ml.images import Limits, check_photo
    from ml.spec import Settings

    step, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if step == "check":
        check_photo(source)
    else:
        host._limits = Limits()
        host._shelf = host.Shelf(10**9, lambda name: host.registry.load(name, device="cpu"))
        host._colorize(host.Order("coloria", source, target, "", Settings(), 9000, 9000))
"""


def peak(step: str, source: Path) -> int:
    """Bytes of RSS at the peak of a process that checks or colours one photo."""
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(HOST) + PEAK,
        step,
        source,
        source.with_name("out"),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("step", ["check", "colour"])
def test_100_megapixels_of_16_bits_are_checked_and_coloured_in_1500_mb(
    step: str, tmp_path: Path
) -> None:
    flat = np.full((10000, 10000), 20000, np.uint16)  # quick to pack, as large as any in memory
    save_photo(Photograph(flat, format="TIFF"), tmp_path / "in.tif")
    assert peak(step, tmp_path / "in.tif") < 1.5e9
