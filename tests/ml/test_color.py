"""Colour science against scikit-image and published pairs."""

import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

from ml.color import (
    ab_bins,
    colourfulness,
    delta_e00,
    lab_from_rgb,
    linear_from_lab,
    srgb_from_linear,
)
from tests.ml.photos import astronaut, cameraman


def test_lab_agrees_with_scikit_image() -> None:
    rgb = astronaut()
    assert np.abs(lab_from_rgb(rgb) - rgb2lab(rgb)).max() < 0.01


def test_lab_comes_back_as_the_same_8_bit_colour() -> None:
    rgb = astronaut()
    back = srgb_from_linear(linear_from_lab(lab_from_rgb(rgb)))
    assert ((back * 255).round().astype(np.uint8) == rgb).all()


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [  # Sharma, Wu, Dalal 2005, table 1, rows 1, 7, 9, 17, 25
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
        ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_ciede2000_gives_the_published_differences(
    first: tuple[float, ...], second: tuple[float, ...], difference: float
) -> None:
    assert delta_e00(np.array([first]), np.array([second]))[0] == pytest.approx(
        difference, abs=1e-4
    )


def test_bins_cover_every_srgb_colour() -> None:
    """S116: a colour is never further from its bin than half a cell's diagonal."""
    ab = lab_from_rgb(np.random.default_rng(0).integers(0, 256, (5000, 3), dtype=np.uint8))[:, 1:]
    nearest = np.sqrt(((ab[:, None] - ab_bins()) ** 2).sum(-1)).min(1)
    assert nearest.max() < 7.5


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
def test_every_bin_holds_a_colour_that_srgb_can_show() -> None:
    lightness = np.linspace(1, 99, 99)
    for a, b in ab_bins():
        lab = np.stack([lightness, np.full(99, a), np.full(99, b)], -1)
        assert np.abs(rgb2lab(lab2rgb(lab)) - lab)[:, 1:].max(1).min() < 10


def test_grey_has_no_colourfulness() -> None:
    grey = np.repeat(cameraman()[..., None], 3, -1)
    assert colourfulness(grey) == 0
    assert colourfulness(astronaut()) > 20
