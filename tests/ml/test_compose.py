"""Luma is the photo's own, whatever chroma arrives."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from ml.color import lab_from_rgb
from ml.compose import compose, luma, small_luma
from tests.ml.photos import astronaut, cameraman, photograph, ramp

NO_CHROMA = np.zeros((8, 12, 2), np.float32)


def chroma(scale: float) -> np.ndarray:
    return np.random.default_rng(1).normal(0, scale, (16, 24, 2)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_no_chroma_gives_back_the_same_grey(dtype: type) -> None:
    grey = ramp(dtype=dtype)
    photo = photograph(grey)
    result = compose(photo, NO_CHROMA, small_luma(photo, 96, 64))
    assert (result.pixels == grey[..., None]).all()


@pytest.mark.parametrize(("dtype", "bound"), [(np.uint8, 0.25), (np.uint16, 0.002)])
@pytest.mark.parametrize("scale", [10, 100])
def test_luma_changes_by_rounding_only(dtype: type, bound: float, scale: float) -> None:
    photo = photograph(ramp(dtype=dtype))
    result = compose(photo, chroma(scale), small_luma(photo, 96, 64)).pixels
    assert result.dtype == dtype
    before, after = luma(photo.pixels), rgb2lab(result / np.iinfo(dtype).max)[..., 0]
    assert np.abs(after - before).max() < bound


def test_colours_outside_the_gamut_keep_their_hue() -> None:
    photo = photograph(np.full((64, 64), 128, np.uint8))
    ab = np.broadcast_to(np.array([150, -60], np.float32), (16, 16, 2)).copy()
    lab = lab_from_rgb(compose(photo, ab, small_luma(photo, 64, 64)).pixels)
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    assert np.abs(hue - np.degrees(np.arctan2(-60, 150))).max() < 1.5
    assert np.hypot(lab[..., 1], lab[..., 2]).min() > 50


def test_colour_edges_sit_on_picture_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = np.full((128, 128), 60, np.uint8)
    grey[:, 64:] = 200
    ab = np.zeros((32, 32, 2), np.float32)
    ab[:, 16:] = (40, 30)
    photo = photograph(grey)

    def spill() -> float:
        lab = lab_from_rgb(compose(photo, ab, small_luma(photo, 128, 128)).pixels)
        return float(np.abs(lab[:, :64, 1]).max())

    guided = spill()
    monkeypatch.setattr("ml.compose.SMOOTHNESS", 1e9)  # no edge counts: plain interpolation
    assert guided < 7 < spill() / 2


@pytest.mark.parametrize("size", [(31, 17), (1, 1), (2, 500)])
def test_any_size_keeps_its_size(size: tuple[int, int]) -> None:
    photo = photograph(ramp(64, 512)[: size[0], : size[1]])
    result = compose(photo, chroma(20), small_luma(photo, 96, 64))
    assert result.pixels.shape == (*size, 3)


def test_a_colour_photo_is_recoloured_on_its_own_luma() -> None:
    photo = photograph(astronaut())
    result = compose(photo, NO_CHROMA, small_luma(photo, 96, 96)).pixels
    assert np.ptp(result.astype(int), axis=-1).max() <= 1
    assert np.abs(lab_from_rgb(result)[..., 0] - lab_from_rgb(photo.pixels)[..., 0]).max() < 0.25


@pytest.mark.parametrize("size", [(320, 224), (96, 64), (31, 450), (700, 600)])
def test_the_network_sees_a_bicubic_resize(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in training; of a large photo areas are averaged first, which shows little."""
    monkeypatch.setattr("ml.compose.STRIP", 5000)  # several strips, none of them whole
    photo = photograph(cameraman()[:389, :511])
    small = small_luma(photo, *size)
    whole = Image.fromarray(luma(photo.pixels)).resize(size, Image.Resampling.BICUBIC)
    assert small.shape == size[::-1]
    assert (small >= 0).all() and (small <= 100).all()
    assert np.abs(small - np.asarray(whole).clip(0, 100)).mean() < 0.3


def test_strips_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = photograph(cameraman())
    small = small_luma(photo, 96, 96)
    whole = compose(photo, chroma(30), small).pixels
    monkeypatch.setattr("ml.compose.STRIP", 512 * 7)
    stripped = compose(photo, chroma(30), small).pixels
    assert np.abs(whole.astype(int) - stripped).max() <= 1


def test_a_very_wide_photo_needs_no_square_of_floats() -> None:
    """65,500 px in one row: a floating-point copy at the network's height would take 200 MB."""
    photo = photograph(np.tile(ramp(1, 655), (1, 100)))
    tracemalloc.start()
    compose(photo, chroma(20), small_luma(photo, 768, 192))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6
