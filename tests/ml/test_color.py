"""Colour science against scikit-image and published pairs."""

import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab

from ml.color import (
    ab_bins,
    colourfulness,
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


def test_bins_cover_every_srgb_colour() -> None:
    """A colour is never further from its bin than half a cell's diagonal."""
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
