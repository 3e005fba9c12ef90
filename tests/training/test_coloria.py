"""`train_model coloria` end to end: it finishes, resumes after kill -9, stops on a bad loss."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml import registry
from ml.color import ab_bins
from ml.management.contenders import contenders
from ml.nets.coloria import Coloria, load_encoder
from ml.spec import Settings
from tests.ml.photos import cameraman, photograph
from tests.training import runs
from training import checkpoint, loop
from training.coloria_config import ColoriaConfig
from training.config import PRESETS
from training.errors import NonFiniteLoss
from training.recipes import coloria
from training.recipes.coloria import encoder_weights

ROOT = Path(__file__).parents[2]


def command(photos: Path, out: Path, *options: str) -> list[str]:
    train = [sys.executable, "manage.py", "train_model", "coloria", "--smoke", "--device", "cpu"]
    return [*train, "--data", str(photos), "--out", str(out), *options]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "COLORIA_VAR": str(tmp_path / "var")}


@pytest.mark.timeout(300)
def test_the_smoke_run_ends_in_weights_that_colour(photos: Path, tmp_path: Path) -> None:
    """S004, S188: train, then colour a grey photo with the result."""
    subprocess.run(
        command(photos, tmp_path / "run"), cwd=ROOT, env=environment(tmp_path), check=True
    )
    record = json.loads((tmp_path / "run/last.json").read_text())
    assert record["step"] == PRESETS["coloria"]["smoke"].steps
    assert record["best_de00"] > 0
    rows = contenders("coloria", tmp_path / "run", tmp_path)  # S120: a curve of the averages
    kept = {name: row.step for name, row in rows.items() if "ema" in name}
    assert kept == {"coloria@ema_0000003": 3, "coloria@ema_0000006": 6}
    model = registry.load("coloria", weights=tmp_path / "run/coloria.onnx")
    result = model.colorize(photograph(cameraman()), Settings())
    assert result.pixels.shape == (512, 512, 3)
    for tag in ("train", "valid", "train_ema", "valid_ema"):
        assert {tag, f"{tag}/de00"} <= runs.tags(tmp_path / "run")
        assert (tmp_path / f"run/samples/{tag}_0000006.png").exists()


@pytest.mark.timeout(600)
def test_a_run_killed_at_any_moment_resumes_bit_for_bit(photos: Path, tmp_path: Path) -> None:
    """S064, S093."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    short = ["--set", "steps=6", "checkpoint_every=1", "valid_photos=1", "threads=1"]
    subprocess.run(command(photos, whole, *short), cwd=ROOT, env=environment(tmp_path), check=True)
    process = subprocess.Popen(command(photos, killed, *short), cwd=ROOT, env=environment(tmp_path))
    deadline = time.monotonic() + 120
    while not (killed / "last.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert json.loads((killed / "last.json").read_text())["step"] < 6
    subprocess.run(
        command(photos, killed, "--resume", *short), cwd=ROOT, env=environment(tmp_path), check=True
    )
    one, other = (checkpoint.load(run / "last.pt") for run in (whole, killed))
    for name, value in one["net"].items():
        assert torch.equal(value, other["net"][name]), name


@pytest.mark.timeout(300)
def test_two_processes_share_each_batch(photos: Path, tmp_path: Path) -> None:
    """S085, S086, S090: gloo on the processor, one set of books."""
    share = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run = share + command(photos, tmp_path / "run", "--set", "steps=2", "threads=1")[1:]
    subprocess.run(run, cwd=ROOT, env=environment(tmp_path), check=True)
    assert json.loads((tmp_path / "run/last.json").read_text())["step"] == 2
    assert registry.load("coloria", weights=tmp_path / "run/coloria.onnx")


def test_a_run_may_begin_with_the_weights_of_another(photos: Path, tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    run = command(photos, first, "--set", "steps=2", "mix=*astronaut*=2")
    subprocess.run(run, cwd=ROOT, env=environment(tmp_path), check=True)
    still = ("steps=1", "lr=0", "encoder_lr=0", f"start={first / 'last.pt'}")
    run = command(photos, second, "--set", *still)
    subprocess.run(run, cwd=ROOT, env=environment(tmp_path), check=True)
    begun, ended = (checkpoint.load(folder / "last.pt")["ema"] for folder in (first, second))
    for name, value in begun.items():
        if name.endswith("weight"):
            torch.testing.assert_close(ended[name], value)
    run = command(photos, third, "--set", f"start={first / 'last.json'}")
    done = subprocess.run(run, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode == 1
    assert "is no checkpoint of this recipe" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_run_does_not_overwrite_the_first(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/last.pt").write_bytes(b"a checkpoint")
    run = command(photos, tmp_path / "run")
    done = subprocess.run(run, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode == 1
    assert "add --resume" in done.stderr
    assert (tmp_path / "run/last.pt").read_bytes() == b"a checkpoint"


def test_dry_run_prints_the_settings(photos: Path, tmp_path: Path) -> None:
    run = command(photos, tmp_path / "run", "--dry-run", "--set", "steps=7")
    done = subprocess.run(
        run, cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["steps"] == 7
    assert not (tmp_path / "run").exists()


class Flat(torch.utils.data.Dataset[tuple[torch.Tensor, ...]]):
    def __getitem__(self, number: int) -> tuple[torch.Tensor, ...]:
        return torch.zeros(1, 32, 32), torch.zeros(3, 32, 32), torch.zeros(2, 8, 8)


class Lost(torch.nn.Module):
    def forward(self, logits: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        return logits.mean() * torch.nan


class Steep(torch.nn.Module):
    """A loss of zero whose gradient is no number."""

    def forward(self, logits: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        return (logits.sum() * 0).sqrt()


@pytest.mark.parametrize(
    ("loss", "said"), [(Lost(), r"step 0.*last\.pt"), (Steep(), "step 0 made weights infinite")]
)
def test_a_loss_that_is_not_finite_names_the_step(
    loss: torch.nn.Module, said: str, tmp_path: Path
) -> None:
    net = Coloria(len(ab_bins()))
    config = replace(PRESETS["coloria"]["smoke"], checkpoint_every=1)
    groups = [{"params": list(net.parameters()), "lr": 1e-3}]
    with pytest.raises(NonFiniteLoss, match=said):
        loop.train(net, loss, groups, Flat(), {}, config, tmp_path, False, "cpu", {})
    assert not (tmp_path / "last.pt").exists()


def test_a_rate_may_do_without_warm_up_and_decay() -> None:
    config = replace(PRESETS["coloria"]["smoke"], steps=10, warmup=0, decay=0.0)
    assert [loop.rate(step, config) for step in (0, 9)] == [1, 1]


def test_a_write_that_fails_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    """A full disk fails in the middle of writing."""
    target = tmp_path / "last.pt"
    checkpoint.save(target, {"step": 1}, {})

    def full(part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        checkpoint.write_atomic(target, full)
    assert checkpoint.load(target) == {"step": 1}


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    config = ColoriaConfig(steps=100, warmup=10, decay=0.4)
    rates = [loop.rate(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[50] == 1
    assert rates[80] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.025)


@pytest.mark.parametrize(("encoder", "last"), [("lite0", 15), ("lite2", 20)])
def test_the_encoder_takes_every_imagenet_weight(encoder: str, last: int) -> None:
    net = Coloria(len(ab_bins()), encoder, top=True)
    state = encoder_weights(encoder)
    load_encoder(net, state)
    assert torch.equal(net.stem[0].weight, state["_conv_stem.weight"])
    assert torch.equal(
        net.stages[6][0].layers[2][1].running_var, state[f"_blocks.{last}._bn2.running_var"]
    )
    assert torch.equal(net.top[0].weight, state["_conv_head.weight"])
    assert torch.equal(net.top[1].running_var, state["_bn1.running_var"])


def test_what_is_frozen_learns_nothing(photos: Path, tmp_path: Path) -> None:
    """Neither weights nor the statistics of batch norms; what comes after them does."""
    config = replace(PRESETS["coloria"]["smoke"], encoder="lite2", frozen=4, steps=2)
    coloria.run(photos, tmp_path / "run", tmp_path, config, "smoke", False, "cpu")
    learnt = checkpoint.load(tmp_path / "run/last.pt")["net"]
    before = Coloria(len(ab_bins()), "lite2")
    load_encoder(before, encoder_weights("lite2"))
    changed = {
        key.split(".")[1]
        for key, value in before.state_dict().items()
        if key.startswith("stages.") and not torch.equal(value, learnt[key])
    }
    assert changed == {"3", "4", "5", "6"}
    assert torch.equal(before.stem[1].running_mean, learnt["stem.1.running_mean"])


@pytest.mark.parametrize("taught", [True, False])
def test_encoder_and_decoder_may_learn_one_after_the_other(
    photos: Path, tmp_path: Path, taught: bool
) -> None:
    """First what the encoder with ImageNet's weights sees in colour, then the colours alone."""
    change = {"taught": 1.0, "colour": 0.0, "hints": 0.0} if taught else {"frozen": 9}
    config = replace(PRESETS["coloria"]["smoke"], top=True, steps=2, **change)
    coloria.run(photos, tmp_path / "run", tmp_path, config, "smoke", False, "cpu")
    learnt = checkpoint.load(tmp_path / "run/last.pt")["net"]
    before = Coloria(len(ab_bins()), top=True)
    load_encoder(before, encoder_weights("lite0"))
    encoder = {key for key in learnt if key.split(".")[0] in ("stem", "stages", "top")}
    changed = {key for key in encoder if not torch.equal(learnt[key], before.state_dict()[key])}
    statistics = {key for key in changed if "running" in key}
    assert (bool(changed), bool(statistics)) == (taught, False)
    assert (learnt["head.weight"] == loop_start(config)["head.weight"]).all() == taught


def loop_start(config: ColoriaConfig) -> dict[str, torch.Tensor]:
    """The network that a run with this seed begins with."""
    torch.manual_seed(config.seed)
    return Coloria(len(ab_bins()), config.encoder, config.frozen, config.top).state_dict()


@pytest.mark.parametrize("top", [False, True])
def test_a_hint_changes_the_prediction_where_it_is(top: bool) -> None:
    """S015: even the untrained network hears a hint in the decoder."""
    torch.manual_seed(0)
    net = Coloria(len(ab_bins()), top=top).eval()
    luma, hints = torch.full((1, 1, 64, 64), 50.0), torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        without = net(luma, hints)
        hints[:, :, 20:25, 20:25] = torch.tensor([0.5, 0.5, 1.0])[:, None, None]
        change = (net(luma, hints) - without).abs().sum(1)[0]
    assert np.unravel_index(int(change.argmax()), (16, 16)) in {
        (r, c) for r in range(3, 9) for c in range(3, 9)
    }
