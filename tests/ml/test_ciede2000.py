"""S115-S117: CIEDE2000 on the published pairs and against scikit-image."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from ml.color import delta_e00, lab_from_rgb

# Sharma, Wu, Dalal 2005, table 1: L a b, L a b, CIEDE2000 to four decimals. Pairs 9 to 15 have
# opposite hues, where the mean hue jumps.
PAIRS = np.array([
    (50.0, 2.6772, -79.7751, 50.0, 0.0, -82.7485, 2.0425),
    (50.0, 3.1571, -77.2803, 50.0, 0.0, -82.7485, 2.8615),
    (50.0, 2.8361, -74.02, 50.0, 0.0, -82.7485, 3.4412),
    (50.0, -1.3802, -84.2814, 50.0, 0.0, -82.7485, 1.0),
    (50.0, -1.1848, -84.8006, 50.0, 0.0, -82.7485, 1.0),
    (50.0, -0.9009, -85.5211, 50.0, 0.0, -82.7485, 1.0),
    (50.0, 0.0, 0.0, 50.0, -1.0, 2.0, 2.3669),
    (50.0, -1.0, 2.0, 50.0, 0.0, 0.0, 2.3669),
    (50.0, 2.49, -0.001, 50.0, -2.49, 0.0009, 7.1792),
    (50.0, 2.49, -0.001, 50.0, -2.49, 0.001, 7.1792),
    (50.0, 2.49, -0.001, 50.0, -2.49, 0.0011, 7.2195),
    (50.0, 2.49, -0.001, 50.0, -2.49, 0.0012, 7.2195),
    (50.0, -0.001, 2.49, 50.0, 0.0009, -2.49, 4.8045),
    (50.0, -0.001, 2.49, 50.0, 0.001, -2.49, 4.8045),
    (50.0, -0.001, 2.49, 50.0, 0.0011, -2.49, 4.7461),
    (50.0, 2.5, 0.0, 50.0, 0.0, -2.5, 4.3065),
    (50.0, 2.5, 0.0, 73.0, 25.0, -18.0, 27.1492),
    (50.0, 2.5, 0.0, 61.0, -5.0, 29.0, 22.8977),
    (50.0, 2.5, 0.0, 56.0, -27.0, -3.0, 31.903),
    (50.0, 2.5, 0.0, 58.0, 24.0, 15.0, 19.4535),
    (50.0, 2.5, 0.0, 50.0, 3.1736, 0.5854, 1.0),
    (50.0, 2.5, 0.0, 50.0, 3.2972, 0.0, 1.0),
    (50.0, 2.5, 0.0, 50.0, 1.8634, 0.5757, 1.0),
    (50.0, 2.5, 0.0, 50.0, 3.2592, 0.335, 1.0),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.263),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.248, -4.962, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.694, 23.0331, 14.973, -42.5619, 2.0373),
    (36.4612, 47.858, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.441, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.135, 0.9033, -0.0636, -0.5514, 0.9082),
])  # fmt: skip


def colours(seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return lab_from_rgb(rng.integers(0, 256, (200, 300, 3), dtype=np.uint8))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("turned", [False, True])
def test_it_gives_all_34_published_differences(kind: type, turned: bool) -> None:
    """S117."""
    assert len(PAIRS) == 34
    first, second = PAIRS[:, :3].astype(kind), PAIRS[:, 3:6].astype(kind)
    found = delta_e00(second, first) if turned else delta_e00(first, second)
    assert np.abs(found - PAIRS[:, 6]).max() < 0.5e-4 + 1e-6


@pytest.mark.parametrize("spread", [0.5, 8, 60])
def test_it_agrees_with_scikit_image(spread: float) -> None:
    """S115, S116: at small, usual and large differences, single precision against double."""
    first = colours(1)
    second = (first + np.random.default_rng(2).normal(0, spread, first.shape)).astype(np.float32)
    exact = deltaE_ciede2000(first.astype(float), second.astype(float))
    assert np.abs(delta_e00(first, second) - exact).max() < 2e-4


def test_it_agrees_on_photos_left_grey() -> None:
    truth = colours(3)
    grey = truth * np.array([1, 0, 0], np.float32)
    exact = deltaE_ciede2000(grey.astype(float), truth.astype(float))
    assert np.abs(delta_e00(grey, truth) - exact).max() < 1e-4
    assert (delta_e00(grey, grey) == 0).all()


def test_the_order_does_not_matter() -> None:
    assert (
        np.abs(delta_e00(colours(4), colours(5)) - delta_e00(colours(5), colours(4))).max() < 1e-3
    )


def test_one_colour_is_compared_with_many() -> None:
    many = colours(6)
    assert (delta_e00(many[0, 0], many) == delta_e00(many, many[0, 0])).all()
    assert delta_e00(many[0, 0], many).shape == many.shape[:2]
