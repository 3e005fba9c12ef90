"""DeOldify's networks compute upstream's numbers, and its files are read without running them."""

import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ml.backends import deoldify
from ml.backends.checkpoints.deoldify import folded, layout, network
from ml.backends.deoldify import DeOldify, forward, grey_square, paint
from ml.compose import luma
from ml.errors import ModelUnavailable
from ml.nets.deoldify import ARTISTIC, STABLE, Generator, Layout
from ml.spec import Settings
from tests.ml import parity
from tests.ml.parity_net import Net
from tests.ml.parity_subset import FILE, SEED, summary
from tests.ml.photos import photograph, ramp
from tests.ml.synthetic import keys, state_dict

BESIDE = Path(__file__).parents[3] / "shared" / "parity"
PACK = Path(os.environ.get("PARITY_PACK", BESIDE))
pack = pytest.mark.skipif(not PACK.is_dir(), reason="no parity pack: a small set is used instead")
small = pytest.mark.skipif(PACK.is_dir(), reason="the full parity pack is used")
MODELS = {"deoldify_artistic": ARTISTIC, "deoldify_stable": STABLE}
LIMIT = 2e-4  # of the network's output, about 6 wide


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def net(model: str) -> Net:
    """The network of a synthetic checkpoint, by the production loader."""
    build = getattr(parity, f"build_{model}")
    return build({"model": state_dict(model, SEED), "opt": {"lr": slice(None, 1e-3)}}, {})


def cases(model: str) -> Iterator[dict[str, object]]:
    """The pack's cases; of Stable, which is slow, the small one only."""
    for case in json.loads((PACK / model / "meta.json").read_text())["cases"]:
        if model == "deoldify_artistic" or case["render_factor"] == 8:
            yield case


@pack
def test_the_network_computes_upstreams_numbers(model: str, net: Net) -> None:
    assert isinstance(net.colorizer, DeOldify)
    for case in cases(model):
        stored = np.load(PACK / model / case["expected"])
        y = forward(net.colorizer.engine, stored["gray"])
        assert np.abs(y.transpose(2, 0, 1) - stored["y"][0]).max() <= case["tol_y"]


@pack
def test_the_picture_is_upstreams(model: str, net: Net) -> None:
    for case in cases(model):
        image = Image.open(PACK / model / case["input"]).convert("RGB")
        got = np.asarray(getattr(parity, f"compose_{model}")(net, image, case)).astype(int)
        off = np.abs(got - np.asarray(Image.open(PACK / model / case["composed"])))
        assert off.max() <= case["tol_levels"]
        assert (off > 0).mean() <= case["tol_levels_fraction"]


@small
def test_the_network_still_computes_what_met_the_full_pack(model: str, net: Net) -> None:
    found, stored = summary(net), np.load(FILE)
    for name in ("corner", "statistics"):
        assert np.abs(found[name] - stored[f"{model}_{name}"]).max() <= LIMIT
    composed = found["composed"].astype(int) - stored[f"{model}_composed"]
    assert np.abs(composed).max() <= 3
    assert (composed != 0).mean() <= 0.01


def test_a_photo_keeps_its_luma_and_depth_at_an_odd_render_factor(net: Net) -> None:
    photo = photograph(ramp(37, 53, np.uint16))
    result = net.colorizer.colorize(photo, Settings(render_factor=7)).pixels
    assert (result.shape, result.dtype) == ((37, 53, 3), np.uint16)
    assert np.ptp(result.astype(int), axis=-1).max() > 1000
    assert np.abs(luma(result) - luma(photo.pixels)).max() < 0.002


def flat(grey: np.ndarray) -> np.ndarray:
    """An engine that answers one colour, so that the pipeline alone is tested."""
    return np.ones_like(grey) * np.array([1, 0, -1], np.float32)[:, None, None]


def test_no_strength_leaves_the_photo_grey() -> None:
    photo = photograph(ramp())
    assert (paint(flat, photo, 8, strength=0).pixels == photo.pixels[..., None]).all()


@pytest.mark.parametrize("factor", [6, 46])
def test_a_render_factor_out_of_range_is_refused(factor: int) -> None:
    with pytest.raises(ValueError, match=f"{factor} is not within 7-45"):
        DeOldify(flat, 35).colorize(photograph(ramp()), Settings(render_factor=factor))


def test_upstreams_composition_is_opencvs() -> None:
    """By hand, from 8-bit YUV: Y of grey 100; U = 113 and V = 142 of (120, 100, 70)."""
    grey, colour = (np.full((1, 1, 3), rgb, np.uint8) for rgb in (100, (120, 100, 70)))
    assert deoldify.yuv(colour) == (103, 112, 143)
    assert deoldify.transferred(grey, colour).tolist() == [[[117, 98, 67]]]


def test_a_grey_square_is_8_bit_whatever_the_photo_is() -> None:
    deep = deoldify.eight_bits(ramp(dtype=np.uint16))
    off = np.abs(grey_square(deep, 128).astype(int) - grey_square(ramp(), 128))
    assert off.max() <= 1


def empty(known: Layout) -> nn.Module:
    with torch.device("meta"):
        return Generator(known)


def test_every_key_of_a_published_file_has_its_place(model: str) -> None:
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, (shape, *_) in keys(model).items()}
    plain = folded(state)
    net = empty(layout(plain, Path("x.pth"), "DeOldify"))
    wanted = net.state_dict()
    assert {key: tensor.shape for key, tensor in plain.items()} == {
        key: tensor.shape for key, tensor in wanted.items()
    }


class Code:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch ran",)


def refused(path: Path) -> str:
    """Why the loader refuses a file."""
    with pytest.raises(ModelUnavailable, match="DeOldify is not installed") as caught:
        network([path], "DeOldify")
    return caught.value.reason


@pytest.mark.parametrize("legacy", [True, False])
def test_a_pickle_that_would_run_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, legacy: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": {}, "opt": Code()}, "x.pth", _use_new_zipfile_serialization=not legacy)
    assert "not only weights" in refused(Path("x.pth"))
    Path("y.pth").write_bytes(pickle.dumps(Code()))
    assert "y.pth" in refused(Path("y.pth"))
    assert not Path("ran").exists()


@pytest.mark.parametrize("legacy", [True, False])
def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "x.pth"
    saved = {"model": {"a": torch.arange(99.0)}, "opt": {"lr": slice(None, 1e-3)}}
    torch.save(saved, path, _use_new_zipfile_serialization=not legacy)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, max(1, len(whole) // 150)):
        path.write_bytes(whole[:length])
        assert refused(path)


def test_a_web_page_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_text("<!DOCTYPE html><title>Sign in</title>")
    assert "web page" in refused(path)


def test_wrong_keys_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    weight = torch.zeros(1)
    torch.save({"model": {"layers.4.conv1.0.weight_orig": weight}}, path)
    assert "layers.4" in refused(path)
    torch.save({"layers.4.conv1.0.weight": weight, "stranger": weight}, path)
    assert "has unknown stranger" in refused(path)
    assert "misses layers.0.0.weight" in refused(path)
