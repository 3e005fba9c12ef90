"""The bundled model as a person meets it."""

from dataclasses import replace

import numpy as np
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from ml import registry
from ml.backends.coloria import (
    NATURAL,
    Coloria,
    corrected,
    decode,
    dial,
    hint_planes,
    input_size,
)
from ml.color import Array, ab_bins, colourfulness, lab_from_rgb
from ml.compose import encode, luma, luminance
from ml.spec import Hint, Settings
from tests.ml.photos import astronaut, cameraman, photograph


@pytest.fixture(scope="module")
def model() -> Coloria:
    return registry.load("coloria")


def grey_astronaut() -> np.ndarray:
    return encode(luminance(astronaut()), np.dtype(np.uint8))


def test_it_colours_a_portrait(model: Coloria) -> None:
    """S004: skin comes out warm from grey alone."""
    result = model.colorize(photograph(grey_astronaut()), Settings()).pixels
    face = lab_from_rgb(result)[110:150, 210:250]
    assert face[..., 1].mean() > 4
    assert face[..., 2].mean() > 6
    assert colourfulness(result) > 8


def test_the_same_photo_gives_the_same_colours(model: Coloria) -> None:
    one, other = (model.colorize(photograph(cameraman()), Settings()).pixels for _ in range(2))
    assert (one == other).all()


def test_luma_is_the_photos_own(model: Coloria) -> None:
    grey = cameraman()
    result = model.colorize(photograph(grey), Settings(strength=2)).pixels
    assert np.abs(lab_from_rgb(result)[..., 0] - luma(grey)).max() < 0.3


def test_strength_goes_from_grey_to_vivid(model: Coloria) -> None:
    """S177."""
    photo = photograph(grey_astronaut())
    grey, muted, natural, vivid = (
        colourfulness(model.colorize(photo, Settings(strength=strength)).pixels)
        for strength in (0, 0.5, 1, 2)
    )
    assert grey < 1 < muted < natural < vivid


def test_a_hint_colours_its_neighbourhood(model: Coloria) -> None:
    """S015."""
    photo = photograph(cameraman())
    hints = tuple(Hint(0.1 + dx, 0.1 + dy, (200, 70, 60)) for dx in (0, 0.05) for dy in (0, 0.05))
    plain = lab_from_rgb(model.colorize(photo, Settings()).pixels)
    hinted = lab_from_rgb(model.colorize(photo, Settings(hints=hints)).pixels)
    change = hinted[40:90, 40:90, 1].mean() - plain[40:90, 40:90, 1].mean()
    assert change > 5  # the sky, red


@pytest.mark.parametrize("shape", [(17, 31), (1, 1), (40, 700), (512, 384)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_size_and_depth_comes_back_as_it_went_in(
    model: Coloria, shape: tuple[int, int], dtype: type
) -> None:
    grey = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)
    result = model.colorize(photograph(grey), Settings())
    assert result.pixels.shape == (*shape, 3)
    assert result.pixels.dtype == dtype


def test_what_belongs_to_the_photo_stays(model: Coloria) -> None:
    photo = replace(photograph(cameraman(), "TIFF"), dpi=(600.0, 600.0), exif=b"Exif\x00\x00")
    result = model.colorize(photo, Settings())
    assert (result.format, result.dpi, result.exif) == ("TIFF", (600.0, 600.0), b"Exif\x00\x00")


def test_the_networks_input_is_a_multiple_of_its_stride() -> None:
    assert input_size(1000, 1000, 192) == (192, 192)
    assert input_size(3000, 2000, 192) == (288, 192)
    assert input_size(17, 3000, 192) == (192, 768)


def test_a_certain_distribution_decodes_to_its_bin() -> None:
    logits = np.zeros((len(ab_bins()), 2, 2), np.float32)
    logits[100] = 50
    assert np.allclose(decode(logits, replace(NATURAL, chroma=1.0)), ab_bins()[100], atol=0.1)


def test_the_dial_is_continuous() -> None:
    around = [dial(strength) for strength in (0.999, 1.0, 1.001)]
    assert around[1] == NATURAL
    assert around[0].chroma == pytest.approx(around[2].chroma, abs=0.01)


def plain(side: int = 24) -> tuple[Array, Array]:
    """A network's ab (side, side, 2), all one, and luma: left dark, right light."""
    luma = np.full((4 * side, 4 * side), 30, np.float32)
    luma[:, 2 * side :] = 80
    return np.full((side, side, 2), 5, np.float32), luma


def test_a_hint_is_met_and_carries_to_what_is_near_and_alike() -> None:
    ab, luma = plain()
    red = Hint(0.25, 0.5, (200, 30, 30))
    wanted = lab_from_rgb(np.array(red.rgb, np.uint8))  # its own lightness does not matter
    moved = np.abs(corrected(ab, luma, (red,), 1.0) - ab).sum(-1)
    asked = np.abs(wanted[1:] - 5).sum()
    assert moved[12, 6] > 0.95 * asked
    assert moved[12, 6] > moved[12, 9] > moved[2, 11] > 0  # fades with distance
    assert moved[:, 12:].max() < 0.2 * asked  # the light half is something else


def test_hints_that_agree_with_the_network_change_nothing() -> None:
    ab, luma = plain()
    grey = Hint(0.5, 0.5, (128, 128, 128))
    np.testing.assert_allclose(corrected(ab * 0, luma, (grey,), 1.0), 0, atol=0.02)


def test_at_strength_zero_hints_leave_the_photo_grey(model: Coloria) -> None:
    photo = photograph(cameraman())
    settings = Settings(strength=0.0, hints=(Hint(0.5, 0.5, (200, 30, 30)),))
    pixels = model.colorize(photo, settings).pixels.astype(int)
    assert np.ptp(pixels, axis=-1).max() <= 1


def test_hints_at_the_border_stay_inside() -> None:
    planes = hint_planes((Hint(1.0, 1.0, (255, 0, 0)), Hint(0.0, 0.0, (0, 0, 255))), 64, 32)
    assert planes[2].sum() == 9 + 9
    assert planes[0, -1, -1] == pytest.approx(80.1 / 110, abs=0.01)


def test_lost_memory_in_the_runtime_is_told_as_a_runtime_error(
    model: Coloria, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime's own exceptions derive from Exception; the model host knows RuntimeError."""

    class Starved:
        def run(self, names: None, inputs: object) -> None:
            raise RuntimeException("Failed to allocate memory for requested buffer of size 1")

    monkeypatch.setattr(model, "session", Starved())
    with pytest.raises(RuntimeError, match="Failed to allocate memory"):
        model.colorize(photograph(cameraman()), Settings())
