"""The report's U-Net computes what Keras computes (S014), and its files, .keras and .h5 (S112), are
read without Keras and without running them.
"""

import copy
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml import registry
from ml.backends import cnn
from ml.backends.checkpoints.cnn import network, weights
from ml.backends.checkpoints.keras_file import opened
from ml.backends.checkpoints.keras_model import steps
from ml.backends.cnn import Cnn
from ml.compose import luma
from ml.management.commands import colorize
from ml.nets.cnn import CNN, folded
from ml.spec import Settings
from tests.ml import parity
from tests.ml.keras_file import SEED, arrays, kept, write
from tests.ml.parity_cnn import LastChannels, compose_keras_unet
from tests.ml.parity_corners import cnn_corners
from tests.ml.photos import photograph, ramp
from tests.ml.synthetic import DATA

ROOT = Path(__file__).parents[2]
PACK = Path(os.environ.get("PARITY_PACK", ROOT.parent / "shared" / "parity"))
pack = pytest.mark.skipif(not PACK.is_dir(), reason="no parity pack: a small set is used instead")
small = pytest.mark.skipif(PACK.is_dir(), reason="the full parity pack is used")

VERSIONS = ("Keras 2.13", "Keras 2.15", "Keras 3.15")
SUFFIXES = (".keras", ".h5")
ROUNDING = 1e-5  # of sums in another order; mistakes move the answer by 1e-3 and more


@pytest.fixture(scope="module")
def net() -> LastChannels:
    """The network of a synthetic file, by the production loader."""
    built: LastChannels = parity.build_keras_unet(arrays(), {})
    return built


@pack
def test_the_network_and_the_picture_are_keras(net: LastChannels) -> None:
    folder = PACK / "keras_unet"
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["seed"] == SEED
    for case in meta["cases"]:
        stored = np.load(folder / case["expected"])
        image = Image.open(folder / case["input"]).convert("RGB")
        grey = cnn.network_grey(photograph(np.asarray(image)))
        assert (grey[..., None] == stored["x"][0]).all()
        y = net(stored["x"].astype(np.float32) / np.float32(255))
        assert np.abs(y - stored["y"]).max() <= case["tol_y"]
        got = np.asarray(compose_keras_unet(net, image, case)).astype(int)
        off = np.abs(got - np.asarray(Image.open(folder / case["composed"])))
        assert off.max() <= case["tol_levels"]
        assert (off > 0).mean() <= case["tol_levels_fraction"]


@small
def test_the_network_still_computes_what_met_the_full_pack(net: LastChannels) -> None:
    found, stored = cnn_corners(net), np.load(DATA / "cnn.npz")
    for name in ("corner", "statistics"):
        assert np.abs(found[name] - stored[name]).max() <= 1e-4
    off = np.abs(found["composed"].astype(int) - stored["composed"])
    assert off.max() <= 1
    assert (off > 0).mean() <= 0.01


def answer(net: CNN, x: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return net(torch.from_numpy(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()


def photo_in() -> np.ndarray:
    """A photo as Keras takes it, (1, 160, 160, 3)."""
    grey = cnn.network_grey(photograph(ramp())).astype(np.float32) / np.float32(255)
    return np.repeat(grey[None, ..., None], 3, -1)


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_files_that_keras_saves_after_training_compute_what_keras_does(
    backend: str, tmp_path: Path
) -> None:
    """Keras has made another model before, so that its layers are numbered from higher."""
    for package in {"keras", backend}:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    numbered = {f"{n:02d}": array for n, array in enumerate(arrays())}
    np.savez(tmp_path / "weights.npz", **numbered, x=photo_in())
    program = [sys.executable, "-m", "tests.ml.keras_unet", tmp_path, tmp_path / "weights.npz"]
    quiet = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [*program, "--before", "1", "--trained"],
        cwd=ROOT,
        env=quiet,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for suffix in SUFFIXES:
        loaded = network([tmp_path / f"my_model{suffix}"], "CNN")
        assert np.abs(answer(loaded, photo_in()) - np.load(tmp_path / "y.npy")).max() < ROUNDING


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_array_of_every_version_finds_its_place(
    version: str, suffix: str, tmp_path: Path
) -> None:
    net = CNN()
    with opened(write(tmp_path / f"model{suffix}", version)) as stored:
        state = dict(weights(net, stored, steps(stored.model)))
    net.load_state_dict(state, strict=True)
    own = [tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")]
    assert sum(tensor.numel() for tensor in own) == 9_602_766
    for tensor, array in zip(own, arrays(), strict=True):
        as_torch = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        assert (tensor.numpy() == as_torch).all()


def test_folding_batch_norm_changes_no_number() -> None:
    torch.manual_seed(1)
    net = CNN().eval()
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-1, 1)
            part.running_var.uniform_(0.5, 2)
    x = photo_in()
    before = answer(net, x)
    assert np.abs(answer(folded(copy.deepcopy(net)), x) - before).max() < ROUNDING
    assert not any(isinstance(p, torch.nn.BatchNorm2d) for p in folded(net).modules())


def flat(grey: np.ndarray) -> np.ndarray:
    """An engine that answers one colour, partly out of range."""
    colour = np.array([1.2, 0.5, 0.25], np.float32)[:, None, None]
    return np.tile(colour, (1, 1, *grey.shape[2:]))


def test_a_photo_keeps_its_luma_and_depth() -> None:
    photo = photograph(ramp(37, 53, np.uint16))
    result = Cnn(flat).colorize(photo, Settings()).pixels
    assert (result.shape, result.dtype) == ((37, 53, 3), np.uint16)
    assert np.ptp(result.astype(int), axis=-1).max() > 1000
    assert np.abs(luma(result) - luma(photo.pixels)).max() < 0.002


def test_no_strength_leaves_the_photo_grey() -> None:
    painted = Cnn(flat).colorize(photograph(ramp()), Settings(strength=0)).pixels
    assert (painted == ramp()[..., None]).all()


def test_the_raw_picture_is_one_setting_away() -> None:
    grey = np.full((40, 60), 128, np.uint8)
    photo = replace(photograph(grey), alpha=grey)
    raw = Cnn(flat).colorize(photo, Settings(raw=True))
    assert (raw.pixels == [255, 128, 64]).all()
    assert (raw.pixels.shape, raw.pixels.dtype) == ((40, 60, 3), np.uint8)
    assert (raw.alpha == grey).all()
    deep = photograph(grey.astype(np.uint16) * 257)
    assert (Cnn(flat).colorize(deep, Settings(raw=True)).pixels == raw.pixels).all()


def test_deep_and_coloured_photos_reach_the_network_as_grey_ones_do() -> None:
    shades = ramp()
    grey = cnn.network_grey(photograph(shades))
    assert grey.shape == (160, 160)
    assert (cnn.network_grey(photograph(np.repeat(shades[..., None], 3, -1))) == grey).all()
    assert (cnn.network_grey(photograph(shades.astype(np.uint16) * 257)) == grey).all()


def test_the_command_offers_the_raw_picture() -> None:
    parser = colorize.Command().create_parser("manage.py", "colorize")
    given = ["photo.jpg", "--model", "cnn", "--out", "coloured"]
    assert colorize.wishes(vars(parser.parse_args([*given, "--raw"]))).raw
    assert not colorize.wishes(vars(parser.parse_args(given))).raw
    assert "raw" in registry.get("cnn").options


def test_the_versions_kept_are_the_versions_tested() -> None:
    assert tuple(kept()) == VERSIONS
