"""Checkpoints of a run are measured before it ends (S120)."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from ml import registry
from ml.backends.coloria import Coloria as Backend
from ml.color import Array, ab_bins
from ml.errors import ModelUnavailable
from ml.management.contenders import contenders
from ml.nets.coloria import Coloria
from ml.spec import Settings
from tests.ml.photos import photograph, ramp
from training import checkpoint
from training.ensemble import ensemble, network, quantise
from training.export import RARITY, export_checkpoints, export_coloria


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder as `train_model coloria` leaves it: two checkpoints with their steps."""
    torch.manual_seed(0)
    for name, step in (("last", 40), ("best", 20)):
        state = Coloria(len(ab_bins())).state_dict()
        checkpoint.save(tmp_path / f"{name}.pt", {"ema": state, "step": step}, {"step": step})
    rarity = np.linspace(0.5, 2, len(ab_bins()))
    (tmp_path / RARITY).write_text(json.dumps(rarity.tolist()))
    return tmp_path


def test_a_checkpoint_colours_as_the_export_of_its_weights(run: Path, tmp_path: Path) -> None:
    rows = contenders("coloria", run, tmp_path)
    assert [(name, row.step) for name, row in rows.items()] == [
        ("coloria@best", 20),
        ("coloria@last", 40),
    ]
    grey = photograph(ramp())
    shown = [row.load().colorize(grey, Settings()).pixels for row in rows.values()]
    assert (shown[0] != shown[1]).any()
    state = checkpoint.load(run / "best.pt")["ema"]
    rarity = torch.tensor(json.loads((run / RARITY).read_text()))
    export_coloria(state, rarity, tmp_path / "best.onnx")
    row = contenders(f"coloria={tmp_path / 'best.onnx'}", None, tmp_path).popitem()[1]
    assert (row.load().colorize(grey, Settings()).pixels == shown[0]).all()


def test_of_several_checkpoints_the_mean_is_exported(run: Path, tmp_path: Path) -> None:
    files = [run / "best.pt", run / "last.pt"]
    one, other = (checkpoint.load(file)["ema"] for file in files)
    rarity = torch.tensor(json.loads((run / RARITY).read_text()))
    mean = {key: ((one[key] + other[key]) / 2).to(one[key].dtype) for key in one}
    export_checkpoints(files, tmp_path / "both.onnx")
    export_coloria(mean, rarity, tmp_path / "mean.onnx")
    assert np.allclose(
        said(tmp_path / "both.onnx", 96), said(tmp_path / "mean.onnx", 96), atol=1e-4
    )


def test_without_the_rarity_of_colours_a_checkpoint_is_refused(run: Path, tmp_path: Path) -> None:
    """Its colours would be tilted by the loss, and the figures wrong."""
    (run / RARITY).unlink()
    row = contenders("coloria", run, tmp_path)["coloria@best"]
    with pytest.raises(ModelUnavailable) as caught:
        row.load()
    assert "rarity.json is missing" in caught.value.reason


LUMA = np.random.default_rng(0).uniform(0, 100, (160, 512)).astype(np.float32)


@pytest.fixture
def exports(tmp_path: Path) -> list[Path]:
    """Two networks that know nothing, of two kinds."""
    prior = torch.full((len(ab_bins()),), 1.0)
    files = []
    for encoder, top in (("lite2", True), ("lite0", False)):
        files.append(tmp_path / f"{encoder}.onnx")
        net = Coloria(len(ab_bins()), encoder, top=top)
        export_coloria(net.state_dict(), prior, files[-1])
    return files


def said(file: Path, height: int) -> Array:
    coloria = registry.load("coloria", weights=file)
    assert isinstance(coloria, Backend)
    return coloria.logits(LUMA[:height], np.zeros((3, height, LUMA.shape[1]), np.float32))


def test_of_several_networks_the_mean_answers(exports: list[Path], tmp_path: Path) -> None:
    """One file with the inputs of each, which the site reads like one of them."""
    both, alone = tmp_path / "both.onnx", tmp_path / "alone.onnx"
    onnx.save(ensemble([onnx.load(file) for file in exports]), both)
    onnx.save(network(f"{both}@net1"), alone)
    for height in (96, 160):
        one, other = (said(file, height) for file in exports)
        assert np.allclose(said(both, height), (one + other) / 2, atol=1e-5)
        assert np.array_equal(said(alone, height), other)
    with pytest.raises(ValueError, match="has no network net2"):
        network(f"{both}@net2")


def test_decoders_on_one_encoder_hold_and_run_it_once(run: Path, tmp_path: Path) -> None:
    states = [checkpoint.load(run / f"{name}.pt")["ema"] for name in ("last", "best")]
    encoder = {key: value for key, value in states[0].items() if key.startswith("stem")}
    encoder |= {key: value for key, value in states[0].items() if key.startswith("stages")}
    assert len(encoder) > 100
    files = [tmp_path / "one.onnx", tmp_path / "other.onnx"]
    for state, file in zip(states, files, strict=True):
        export_coloria({**state, **encoder}, torch.ones(len(ab_bins())), file)
    both, alone = tmp_path / "both.onnx", tmp_path / "alone.onnx"
    model = ensemble([onnx.load(file) for file in files])
    onnx.save(model, both)
    onnx.save(network(f"{both}@net1"), alone)
    one, other = (said(file, 96) for file in files)
    assert np.allclose(said(both, 96), (one + other) / 2, atol=1e-5)
    assert np.array_equal(said(alone, 96), other)
    assert both.stat().st_size < 0.7 * sum(file.stat().st_size for file in files)
    count = [len(onnx.load(file).graph.node) for file in (both, *files)]
    assert count[0] < 0.7 * (count[1] + count[2])


def test_eight_bits_say_nearly_the_same_in_half_the_space(
    exports: list[Path], tmp_path: Path
) -> None:
    model = onnx.load(exports[0])
    quantise(model.graph)
    onnx.checker.check_model(model)
    eight = tmp_path / "eight.onnx"
    onnx.save(model, eight)
    assert eight.stat().st_size < 0.6 * exports[0].stat().st_size
    quantise(model.graph)  # again: it may have been taken out of an ensemble
    again = tmp_path / "again.onnx"
    onnx.save(model, again)
    before, after = said(exports[0], 160), said(eight, 160)
    assert np.array_equal(after, said(again, 160))
    assert 0 < np.abs(after - before).max() < 0.1 * before.std()
