"""`train_model artistic` at work: fastai's traps, going on after kill -9, what a run leaves, and
from a smoke run to a coloured photo.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ml import registry
from ml.spec import Settings
from tests.ml.photos import cameraman, photograph
from training import checkpoint
from training.errors import NonFiniteLoss

pytest.importorskip("torchvision", reason="the recipe's networks need it: make full")
pytest.importorskip("fastai", reason="the recipe is written in it: make full")

from tests.training import runs, tiny_nogan
from training.nogan import generator as generators
from training.nogan import learners, measure
from training.nogan.critic import critic
from training.nogan.features import FeatureLoss
from training.nogan.state import State

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tiny_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(generators.LAYOUTS, "artistic", tiny_nogan.TINY)


@pytest.mark.usefixtures("tiny_layout")
def test_the_switch_leaves_the_frozen_part_and_the_other_network_alone(tmp_path: Path) -> None:
    """S049, S052: fastai's switch makes everything trainable, and its optimiser would step even a
    zero gradient.
    """
    torch.manual_seed(0)
    config = tiny_nogan.config()
    state = State(
        config, tmp_path, {}, generators.trainable("artistic", "random"), critic(4)
    )  # fmt: skip
    batch = [(torch.rand(3, 64, 64) - 0.5, torch.rand(3, 64, 64) - 0.5) for _ in range(2)]
    loader = torch.utils.data.DataLoader(batch * 4, batch_size=2)
    loaders = learners.Loaders(loader, loader, torch.device("cpu"))
    seen: list[dict[str, torch.Tensor]] = []

    class Watch(learners.Callback):
        order, run_valid = 95, False

        def before_fit(self) -> None:
            seen.append(snapshot(self.model))

        def after_batch(self) -> None:
            seen.append(snapshot(self.model))

    gen = learners.generator_learner(loaders, state.generator, FeatureLoss("none", ()), config)
    gan = learners.gan_learner(gen, learners.critic_learner(loaders, state.critic, config), config)
    gan.add_cb(Watch())
    board = SimpleNamespace(add_scalar=lambda *args: None)
    books = learners.Books(state, "gan", 100, 4, board, None)
    learners.fit(gan, replace(config.cycle[-1], epochs=1, rates=(1e-3, 1e-3)), state, books)
    moved = [
        {key for key in one if not torch.equal(one[key], other[key])}
        for one, other in pairwise(seen)
    ]
    assert len(moved) == 4
    for changed, network in zip(moved, ("critic", "generator") * 2, strict=True):
        assert changed
        assert all(key.startswith(network) for key in changed)
        learnt = {key for key in changed if "running" not in key and "num_batches" not in key}
        assert not any(key.startswith("generator.layers.0.") for key in learnt)


def snapshot(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


def tiny(photos: Path, out: Path, *settings: str) -> list[str]:
    return [
        sys.executable, "-m", "tests.training.tiny_nogan", str(photos), str(out), *settings
    ]  # fmt: skip


@pytest.mark.usefixtures("tiny_layout")
@pytest.mark.timeout(900)
def test_a_run_killed_at_any_moment_goes_on_bit_for_bit(photos: Path, tmp_path: Path) -> None:
    """The loss curve of all stages, one-cycle, critic's dropout and switches included."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    tiny_nogan.train(photos, whole)
    expected = checkpoint.load(whole / "last.pt")
    for steps in (1, 7):  # in the generator's and in the GAN stage
        process = subprocess.Popen(tiny(photos, killed), cwd=ROOT)
        deadline = time.monotonic() + 240
        while step(killed) < steps and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 7 <= step(killed) < len(expected["losses"])
    subprocess.run(tiny(photos, killed), cwd=ROOT, check=True)
    found = checkpoint.load(killed / "last.pt")
    assert found["losses"] == expected["losses"]
    for part in ("generator", "critic"):
        for name, value in expected[part].items():
            assert torch.equal(value, found[part][name]), name


def step(run: Path) -> int:
    try:
        return int(json.loads((run / "last.json").read_text())["step"])
    except FileNotFoundError:
        return 0


@pytest.mark.usefixtures("tiny_layout")
@pytest.mark.timeout(300)
def test_a_skipped_stage_is_in_the_record(photos: Path, tmp_path: Path) -> None:
    """S040, S046, S129: every stage leaves a checkpoint, its figures and its time, and, where all
    photos took part, the report's beside it (S125); or says skipped.
    """
    tiny_nogan.train(
        photos, tmp_path / "run", "skip=gan", "generator-64-frozen.epochs=1",
        "critic-128.max_steps=0",
    )  # fmt: skip
    stages = json.loads((tmp_path / "run/last.json").read_text())["stages"]
    status = {row["stage"]: row["status"] for row in stages}
    assert status == {
        "generator-64-frozen": "done", "images-1": "done", "critic-128-1": "done",
        "gan-1": "skipped",
    }  # fmt: skip
    assert stages[0]["seconds_per_epoch"] > 0
    assert [row.get("reported_seconds_per_epoch") for row in stages] == [None, None, 866, None]
    judge = checkpoint.load(tmp_path / "run/checkpoints/critic-128-1.pt")
    runs.same(judge, checkpoint.load(tmp_path / "run/last.pt")["critic"])
    assert stages[0]["de00"] > 0
    assert (tmp_path / "run/checkpoints/generator-64-frozen.pth").exists()
    painted = list((tmp_path / "run/generated/round-1").glob("*.png"))
    assert len(painted) == stages[1]["pictures"]
    assert list((tmp_path / "run/sheets").iterdir())


@pytest.mark.usefixtures("tiny_layout")
def test_lost_weights_are_not_kept(tmp_path: Path) -> None:
    generator = generators.trainable("artistic", "random")
    state = State(tiny_nogan.config(), tmp_path, {}, generator, critic(4))
    torch.nn.init.constant_(next(state.critic.parameters()), torch.nan)
    with pytest.raises(NonFiniteLoss, match="made weights infinite"):
        state.save()
    assert not state.last.exists()


@pytest.mark.usefixtures("tiny_layout")
@pytest.mark.timeout(300)
def test_steps_between_checkpoints_are_counted_over_epochs(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S093: two epochs of two steps, a checkpoint every three."""
    kept: list[int] = []
    save = State.save
    monkeypatch.setattr(State, "save", lambda s: (kept.append(len(s.losses)), save(s)))
    skip = "skip=images,critic-128,gan"
    tiny_nogan.train(photos, tmp_path / "run", skip, "checkpoint_every=3")
    assert kept == [3, 4, 4, 4, 4]  # the fourth and on: the ends of stages


@pytest.mark.usefixtures("tiny_layout")
@pytest.mark.timeout(300)
def test_a_loss_that_is_not_finite_names_step_and_checkpoint(photos: Path, tmp_path: Path) -> None:
    tiny_nogan.train(photos, tmp_path / "run", "skip=images,critic-128,gan",
                     "generator-64-frozen.epochs=1")  # fmt: skip
    state = checkpoint.load(tmp_path / "run/last.pt")
    state["generator"]["layers.1.weight"][:] = torch.nan
    state["place"]["stage"] = 0
    torch.save(state, tmp_path / "run/last.pt")
    before = (tmp_path / "run/last.pt").read_bytes()
    with pytest.raises(
        NonFiniteLoss, match=r"nan at step 2 \(stage generator-64-frozen\).*last\.pt"
    ):
        tiny_nogan.train(photos, tmp_path / "run", resume=True)
    assert (tmp_path / "run/last.pt").read_bytes() == before


def test_measuring_leaves_every_module_in_its_mode() -> None:
    net = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Dropout())
    net[1].eval()
    with measure.evaluating(net):
        assert not any(module.training for module in net.modules())
    assert [module.training for module in net.modules()] == [True, True, False]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("recipe", ["artistic", "stable"])
def test_the_smoke_run_ends_in_weights_that_colour(
    recipe: str, photos: Path, tmp_path: Path
) -> None:
    """S011: every kind of stage, then a grey photo in colour by the result."""
    run = [sys.executable, "manage.py", "train_model", recipe, "--smoke", "--device", "cpu"]
    subprocess.run(
        [*run, "--data", str(photos), "--out", str(tmp_path / "run")], cwd=ROOT,
        env={**os.environ, "COLORIA_VAR": str(tmp_path / "var")}, check=True,
    )  # fmt: skip
    record = json.loads((tmp_path / f"run/{recipe}.json").read_text())
    assert [row["status"] for row in record["stages"]] == ["done"] * len(record["stages"])
    assert record["best_de00"] > 0
    assert list((tmp_path / "run/tensorboard").iterdir())
    model = registry.load(recipe, weights=tmp_path / f"run/{recipe}.pth")
    result = model.colorize(photograph(cameraman()), Settings(render_factor=7))
    assert result.pixels.shape == (512, 512, 3)
    assert np.ptp(result.pixels.astype(int), axis=-1).max() > 5
    shutil.rmtree(tmp_path / "run")  # gigabytes
