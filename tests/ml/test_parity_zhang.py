"""Zhang's networks compute upstream's numbers, and their files are read without running them."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml.backends import zhang
from ml.backends.checkpoints.zhang import eccv16
from ml.backends.zhang import Zhang, hints_in_lab
from ml.color import lab_from_rgb
from ml.compose import luma
from ml.errors import ModelUnavailable
from ml.nets.zhang import ECCV16
from ml.spec import Hint, Settings
from tests.ml.parity_corners import SEED, ZHANG, zhang_corners, zhang_net
from tests.ml.parity_net import Net
from tests.ml.parity_zhang import compose_zhang
from tests.ml.photos import photograph, ramp
from tests.ml.synthetic import DATA, keys

BESIDE = Path(__file__).parents[3] / "shared" / "parity"
PACK = Path(os.environ.get("PARITY_PACK", BESIDE))
pack = pytest.mark.skipif(not PACK.is_dir(), reason="no parity pack: a small set is used instead")
small = pytest.mark.skipif(PACK.is_dir(), reason="the full parity pack is used")


@pytest.fixture(scope="module", params=ZHANG)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def net(model: str) -> Net:
    """The network of a synthetic checkpoint file, by the production loader."""
    return zhang_net(model)


@pack
def test_the_network_and_the_picture_are_upstreams(model: str, net: Net) -> None:
    assert isinstance(net.colorizer, Zhang)
    meta = json.loads((PACK / model / "meta.json").read_text())
    assert meta["seed"] == SEED
    for case in meta["cases"]:
        stored = np.load(PACK / model / case["expected"])
        hints = None
        if "mask_B" in stored:
            hints = np.concatenate([stored["input_B"][0], stored["mask_B"][0]]).astype(np.float32)
        photo = photograph(np.asarray(Image.open(PACK / model / case["input"]).convert("RGB")))
        x = zhang.network_luma(photo)
        assert np.abs(x - stored["x"][0, 0]).max() < 1e-4
        ab = net.colorizer.ab(x, hints)
        assert np.abs(ab.transpose(2, 0, 1) - stored["y"][0]).max() <= case["tol_y"]
        got = zhang.upstream(photo, ab).pixels.astype(int)
        off = np.abs(got - np.asarray(Image.open(PACK / model / case["composed"])))
        assert off.max() <= case["tol_levels"]
        assert (off > 0).mean() <= case["tol_levels_fraction"]


@small
def test_the_network_still_computes_what_met_the_full_pack(model: str, net: Net) -> None:
    found, stored = zhang_corners(net), np.load(DATA / "zhang.npz")
    for name in ("corner", "statistics"):
        assert np.abs(found[name] - stored[f"{model}_{name}"]).max() <= 0.02
    off = np.abs(found["composed"].astype(int) - stored[f"{model}_composed"])
    assert off.max() <= 1
    assert (off > 0).mean() <= 0.01


def test_every_key_of_a_published_file_has_its_place(model: str) -> None:
    with torch.device("meta"):
        state = ZHANG[model]().state_dict()
    wanted = {key: shape for key, (shape, *_) in keys(model).items()}
    assert {key: tuple(tensor.shape) for key, tensor in state.items()} == wanted


def flat(grey: np.ndarray) -> np.ndarray:
    """An engine that answers one ab, so that the pipeline alone is tested."""
    return np.tile(np.array([20, -15], np.float32)[:, None, None], (1, 1, *grey.shape[2:]))


def test_a_photo_keeps_its_luma_and_depth() -> None:
    photo = photograph(ramp(37, 53, np.uint16))
    result = Zhang(flat, hinted=False).colorize(photo, Settings()).pixels
    assert (result.shape, result.dtype) == ((37, 53, 3), np.uint16)
    assert np.ptp(result.astype(int), axis=-1).max() > 1000
    assert np.abs(luma(result) - luma(photo.pixels)).max() < 0.002


def test_no_strength_leaves_the_photo_grey() -> None:
    photo = photograph(ramp())
    painted = Zhang(flat, hinted=False).colorize(photo, Settings(strength=0)).pixels
    assert (painted == photo.pixels[..., None]).all()


def test_upstreams_composition_is_one_setting_away() -> None:
    grey = np.full((40, 60), 128, np.uint8)
    photo = replace(photograph(grey), alpha=grey)
    painted = Zhang(flat, hinted=False).paint(photo, composition="upstream")
    assert lab_from_rgb(painted.pixels)[20, 30] == pytest.approx([53.6, 20, -15], abs=0.6)
    assert (painted.alpha == grey).all()
    checked = compose_zhang(
        Net(Zhang(flat, hinted=False)), Image.fromarray(grey).convert("RGB"), {}
    )
    assert (np.asarray(checked) == painted.pixels).all()


def test_deep_and_grey_photos_reach_the_network_as_8_bit_colour_ones_do() -> None:
    shades = ramp()
    colour = zhang.network_luma(photograph(np.repeat(shades[..., None], 3, -1)))
    assert (zhang.network_luma(photograph(shades)) == colour).all()
    deep = shades.astype(np.uint16) * 257
    assert (zhang.network_luma(photograph(deep)) == colour).all()


def test_hints_reach_the_network_in_lab_units() -> None:
    planes = hints_in_lab((Hint(0.5, 0.25, (255, 0, 0)),))
    assert planes is not None
    assert planes[:, 64, 128] == pytest.approx([80.1, 67.2, 1], abs=0.2)
    assert planes[:, 0, 0].tolist() == [0, 0, 0]
    assert hints_in_lab(()) is None


class Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)


def refused(path: Path) -> str:
    """Why the loader refuses a file."""
    with pytest.raises(ModelUnavailable, match="Zhang is not installed") as caught:
        eccv16([path], "Zhang")
    return caught.value.reason


def test_a_pickle_that_would_run_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model1.0.weight": Code()}, "x.pth")
    assert "not only weights" in refused(Path("x.pth"))
    assert not Path("ran").exists()


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save({"model1.0.weight": torch.zeros(64, 1, 3, 3)}, path)
    whole = path.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:length])
        assert "x.pth: damaged" in refused(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "y.pth: cannot be read" in refused(tmp_path / "y.pth")


def test_wrong_keys_and_shapes_are_named(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = {key: tensor.shape for key, tensor in ECCV16().state_dict().items()}
    state = {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}
    del state["model8.6.weight"]
    state |= {"stranger": torch.zeros(1), "model1.0.bias": torch.zeros(3)}
    torch.save(state, tmp_path / "x.pth")
    reason = refused(tmp_path / "x.pth")
    assert "misses model8.6.weight; has unknown stranger; " in reason
    assert "has another shape of model1.0.bias" in reason
