"""`train_model artistic|stable`: the report's figures as data, networks, losses and samples."""

import io
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import call_command
from PIL import Image

from tests.ml.photos import astronaut
from training.config import override
from training.data import pack
from training.errors import MissingWeights
from training.nogan.config import PRESETS, REPORTED_SECONDS, NoganConfig, Stage, plan

pytest.importorskip("torchvision", reason="the recipe's networks need it: make full")
pytest.importorskip("fastai", reason="the recipe is written in it: make full")

from tests.training import tiny_nogan
from training.nogan import generator as generators
from training.nogan import pairs
from training.nogan.critic import critic
from training.nogan.features import FeatureLoss
from training.nogan.state import State
from training.recipes.nogan import Nogan

ROOT = Path(__file__).parents[2]
ARTISTIC, STABLE = PRESETS["artistic"]["report"], PRESETS["stable"]["report"]
STILL = pairs.Changes(zoom=1.0, lighting=0.0, warp=0.0, rotate=0.0)


def stage(config: NoganConfig, name: str) -> Stage:
    return next(s for s in (*config.stages, *config.cycle) if s.name == name)


# The plan


@pytest.mark.parametrize(
    ("config", "batches", "weight"), [(ARTISTIC, (22, 11, 9), 2.0), (STABLE, (20, 8, 5), 1.5)]
)
def test_the_plan_is_figure_12s(
    config: NoganConfig, batches: tuple[int, ...], weight: float
) -> None:
    """S042, S043, S051, S053."""
    names = ("generator-128", "generator-192", "gan")
    assert tuple(stage(config, name).batch for name in names) == batches
    assert config.gan_weights == (1.0, weight)


@pytest.mark.parametrize("config", [ARTISTIC, STABLE])
def test_each_stage_has_the_reports_figures(config: NoganConfig) -> None:
    """S024, S034, S039, S041, S042, S043, S044, S045, S046, S047, S049, S050, S052."""
    first = stage(config, "generator-64-frozen")
    assert (first.size, first.batch, first.keep_pct, first.epochs) == (64, 88, 1.0, 1)
    assert (first.rates[1], first.pct_start, first.frozen) == (1e-3, 0.8, True)
    rates = {s.name: s.rates for s in config.stages if not s.frozen}
    assert rates == {
        "generator-64": (3e-7, 3e-4), "generator-128": (1e-7, 1e-4), "generator-192": (5e-8, 5e-5)
    }  # fmt: skip
    assert {s.pct_start for s in config.stages if not s.frozen} == {1e-8}  # upstream's
    for name, size, share in (("generator-128", 128, 1.0), ("generator-192", 192, 0.5)):
        later = stage(config, name)
        assert (later.size, later.keep_pct) == (size, share)
    begin, later = stage(config, "critic-128"), stage(config, "critic-192")
    assert (begin.batch, begin.size, begin.epochs, begin.rates[1]) == (64, 128, 6, 1e-3)
    assert (later.batch, later.size, later.epochs, later.rates[1]) == (16, 192, 4, 1e-4)
    gan = stage(config, "gan")
    assert (gan.keep_pct, gan.epochs, gan.rates, gan.frozen) == (0.03, 1, (1e-5, 1e-5), True)
    assert (config.critic_features, config.critic_threshold) == (256, 0.65)
    assert (config.gan_betas, config.weight_decay) == ((0.0, 0.9), 1e-3)


def test_critic_and_gan_repeat_five_times_and_the_critic_begins_once() -> None:
    """S047, S048."""
    labels = [label for label, _, _ in plan(ARTISTIC)]
    assert labels.count("critic-128-1") == 1
    assert [label for label in labels if label.startswith("gan")] == [
        f"gan-{n}" for n in range(1, 6)
    ]
    assert labels.index("images-2") < labels.index("critic-192-2") < labels.index("gan-2")
    assert "critic-128-2" not in labels
    assert len(list(plan(replace(ARTISTIC, rounds=7)))) == len(labels) + 2 * 3


def test_any_knob_is_set_from_the_command_line() -> None:
    changed = override(
        ARTISTIC, ["gan.keep_pct=0.3", "rounds=2", "skip=generator-128,gan-1", "gan_weights=1,3"]
    )
    assert stage(changed, "gan").keep_pct == 0.3
    assert (changed.rounds, changed.skip) == (2, ("generator-128", "gan-1"))
    assert changed.gan_weights == (1.0, 3.0)
    with pytest.raises(ValueError, match=r"gan\.kepp_pct"):
        override(ARTISTIC, ["gan.kepp_pct=0.3"])


def test_the_reports_times_stand_beside_ours() -> None:
    """S123, S124, S125, S126: seconds per epoch of each stage that the report ran."""
    times = {
        network: {name: str(timedelta(seconds=s)) for name, s in row.items()}
        for network, row in REPORTED_SECONDS.items()
    }
    assert times == {
        "artistic": {
            "generator-64": "0:32:08", "generator-128": "5:10:19", "generator-192": "4:28:30",
            "critic-128": "0:14:26", "critic-192": "0:21:57", "gan": "1:00:00",
        },
        "stable": {
            "generator-64": "1:32:44", "generator-192": "9:40:34",
            "critic-128": "4:01:00", "critic-192": "7:37:57", "gan": "1:00:00",
        },
    }  # fmt: skip
    for network, row in times.items():
        assert {s.name for _, s, _ in plan(PRESETS[network]["report"])} >= row.keys()


def test_the_run_that_was_reported_left_out_stables_128_px() -> None:
    """S129."""
    assert PRESETS["stable"]["reported"].skip == ("generator-128",)
    with pytest.raises(ValueError, match=r"skip=generator-129: .* generator-128, "):
        override(STABLE, ["skip=generator-129"])


def test_dry_run_prints_the_stages() -> None:
    printed = io.StringIO()
    call_command("train_model", "stable", "--dry-run", "--set", "rounds=6", stdout=printed)
    shown = json.loads(printed.getvalue())
    assert [row["name"] for row in shown["stages"]] == [s.name for s in STABLE.stages]
    assert (shown["preset"], shown["rounds"]) == ("report", 6)


def test_the_smoke_preset_says_what_it_goes_without() -> None:
    """Random encoder and features are a setting that can be read, never a fallback."""
    for network in ("artistic", "stable"):
        smoke = PRESETS[network]["smoke"]
        assert (smoke.encoder, smoke.perceptual) == ("random", "random")
        assert {s.kind for _, s, _ in plan(smoke)} == {"generator", "images", "critic", "gan"}
        for preset in PRESETS[network].keys() - {"smoke"}:
            full = PRESETS[network][preset]
            assert (full.encoder, full.perceptual) == ("imagenet", "imagenet")


# Networks and losses


@pytest.fixture
def tiny_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(generators.LAYOUTS, "artistic", tiny_nogan.TINY)


@pytest.mark.parametrize("network", ["artistic", "stable"])
def test_a_trained_generator_has_upstreams_keys(network: str) -> None:
    """S036, S038: the widths are those of nf_factor 1.5 and 2."""
    pack = Path(os.environ.get("PARITY_PACK", ROOT.parent / "shared" / "parity"))
    table = pack / f"deoldify_{network}" / "keys.txt"
    if not table.exists():
        pytest.skip(f"{table} is not there: it holds upstream's keys and shapes")
    rows = [row.split("\t")[:2] for row in table.read_text().splitlines() if row[0] != "#"]
    with torch.device("meta"):
        state = generators.trainable(network, "random").state_dict()
    ours = {key: "x".join(map(str, value.shape)) or "-" for key, value in state.items()}
    assert ours == dict(rows)


def test_missing_weights_are_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(MissingWeights, match=r"resnet34-.*encoder=random"):
        generators.trainable("artistic", "imagenet")
    with pytest.raises(MissingWeights, match=r"vgg16_bn-.*perceptual=random.*perceptual=none"):
        FeatureLoss("imagenet", (20.0, 70.0, 10.0))
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/vgg16_bn-6c64b313.pth").write_bytes(b"cut short")
    with pytest.raises(MissingWeights, match="damaged"):
        FeatureLoss("imagenet", (20.0, 70.0, 10.0))


@pytest.mark.usefixtures("tiny_layout")
def test_the_encoder_takes_torchvisions_weights(tmp_path: Path) -> None:
    from torchvision.models.resnet import BasicBlock, ResNet

    body = ResNet(BasicBlock, [1, 1, 1, 1])
    torch.save(body.state_dict(), tmp_path / "resnet.pth")
    net = generators.trainable("artistic", str(tmp_path / "resnet.pth"))
    state = net.state_dict()
    assert torch.equal(state["layers.0.0.weight"], body.conv1.weight)
    assert torch.equal(state["layers.0.7.0.conv2.weight"], body.layer4[0].conv2.weight)


def test_the_feature_loss_compares_pixels_and_three_depths() -> None:
    """S037: before the third, fourth and fifth max-pool: 256, 512 and 512 channels."""
    torch.manual_seed(0)
    loss = FeatureLoss("random", (20.0, 70.0, 10.0))
    one, other = torch.rand(2, 1, 3, 64, 64)
    assert loss(one, one).item() == 0
    x, shapes = one, []
    for part in loss.parts:
        x = part(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(256, 16, 16), (512, 8, 8), (512, 4, 4)]
    pixels = FeatureLoss("none", (20.0, 70.0, 10.0))(one, other)
    assert pixels.item() == pytest.approx((one - other).abs().mean().item())
    assert loss(one, other).item() > pixels.item()
    assert not loss.train().training


def test_the_critic_judges_places_under_spectral_norm() -> None:
    """S045."""
    net = critic(features=4).eval()
    assert net(torch.zeros(2, 3, 64, 64)).shape == (2, 1)
    assert net(torch.zeros(2, 3, 128, 128)).shape == (2, 25)
    convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv1d | torch.nn.Conv2d)]
    assert len(convolutions) == 1 + 3 * 2 + 3 + 2
    assert all(hasattr(convolution, "weight_orig") for convolution in convolutions)


# Samples


def test_grey_and_colour_are_changed_alike() -> None:
    """S023: the grey input is the luma of the very pixels it is compared with."""
    changes = pairs.Changes(zoom=1.2, lighting=0.0, warp=0.25, rotate=10.0)
    result = pairs.changed(astronaut(), 64, changes, np.random.default_rng(3))
    luma = (result[:3] * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)
    assert (result[3] - luma).abs().max() < 0.01
    assert result.shape == (4, 64, 64)


def test_no_change_is_the_photo_itself_or_its_mirror() -> None:
    photo = astronaut()
    result = pairs.changed(photo, 64, STILL, np.random.default_rng(0))
    still = pairs.square(photo, 64)
    nearest = min((result - still).abs().max(), (result.flip(-1) - still).abs().max())
    assert nearest < 0.005


def test_a_warp_moves_corners_where_it_says() -> None:
    moves = np.array([[0.1, 0.2], [-0.1, 0.0], [0.0, -0.2], [0.05, 0.1]])
    matrix = pairs.homography(moves)
    x, y, w = matrix @ np.array([-1.0, -1.0, 1.0])
    assert (x / w, y / w) == pytest.approx((-0.9, -0.8))


def test_a_stage_gets_its_own_batch_size_and_share(photos: Path, tmp_path: Path) -> None:
    """S035."""
    config = tiny_nogan.config("min_chroma=4", "valid_share=0.2")
    store = pack(photos, tmp_path, 96, 4.0)
    state = State(config, tmp_path, {}, torch.nn.Identity(), torch.nn.Identity())
    run = Nogan(state, store, torch.nn.Identity(), torch.device("cpu"), None)
    for size, batch, share in ((32, 2, 1.0), (64, 3, 0.5)):
        wanted = Stage("any", "generator", size, batch, keep_pct=share)
        assert len(run.chosen(wanted, 0)) == round(share * len(run.photos))
        loaders = run.loaders(wanted, 0)
        assert len(loaders.train) == round(share * len(run.photos)) // batch
        assert next(iter(loaders.train))[0].shape == (batch, 3, size, size)


def test_the_critic_sees_photos_and_generated_pictures(photos: Path, tmp_path: Path) -> None:
    """S044: 1 marks a photo, 0 a picture from the folder."""
    store = pack(photos, tmp_path, 96, 4.0)
    flat = tmp_path / "generated.png"
    Image.new("RGB", (64, 64), (128, 128, 128)).save(flat)
    judged = pairs.Judged(store, [0], [flat], 64, None, (1,))
    (photo, real), (painted, made) = judged[0], judged[1]
    assert (real.item(), made.item()) == (1.0, 0.0)
    assert photo.shape == (3, 64, 64)
    assert painted.std((1, 2)).max() < 1e-5 < photo.std((1, 2)).min()


def test_a_pass_goes_through_every_photo_once() -> None:
    numbered = pairs.Numbered(10, (1, 2))
    first, second = ([numbered.thing(n) for n in range(s, s + 10)] for s in (0, 10))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    batches = pairs.Batches(5, 2, epoch=1, begin=3)
    assert list(batches) == [[16, 17], [18, 19]]
    assert next(iter(batches)) == [20, 21]
    assert len(batches) == 5
