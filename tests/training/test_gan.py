"""The parts of BigColor's training: norms, losses, schedules, averages."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ml.nets import bigcolor
from ml.nets.bigcolor import LearnedNorm, SNConv
from tests.training.small_bigcolor import WIDTH, config
from training import gan, perceptual
from training.biggan import Discriminator, Normalised, generator, initialise, pretrained
from training.config import BigColorConfig
from training.errors import MissingWeights, TrainingError
from training.gan import Game, enhance, grey, hinge, share


@pytest.fixture
def game(monkeypatch: pytest.MonkeyPatch) -> Game:
    monkeypatch.setattr(bigcolor, "WIDTH", WIDTH)
    torch.manual_seed(0)
    return Game(config(), "cpu", 1)


def batch(count: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    z = torch.randn(count, bigcolor.LATENT) * 0.8
    return torch.rand(count, 3, 64, 64), torch.arange(count), z


def test_a_spectral_weight_gets_norm_one_and_its_direction_moves_only_in_training() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(SNConv(3, 8, 3))
    initialise(net, "N02")
    whole = Normalised(net)
    before = net[0].u0.clone()
    whole.eval()(torch.rand(1, 3, 8, 8))
    assert torch.equal(net[0].u0, before)
    whole.train()
    for _ in range(100):
        whole(torch.rand(1, 3, 8, 8))
    matrix = net[0].weight.flatten(1)
    assert net[0].sv0.item() == pytest.approx(torch.linalg.matrix_norm(matrix, 2).item(), rel=1e-4)


def test_the_trained_network_is_the_one_that_is_folded_for_use(game: Game) -> None:
    """What training renders is what the site computes from the same weights."""
    x, c, z = batch()
    game.step(x, c, z)
    rendered = game.results(x, c, z, averaged=False)
    with torch.no_grad():
        folded = (game.net.eval().ready()(grey(x), c, z) + 1) / 2
    assert torch.allclose(rendered, folded, atol=1e-5)


def test_norms_learn_from_the_batch() -> None:
    norm = LearnedNorm(2).train()
    x = torch.randn(8, 2, 16, 16) * 3 + 5
    y = norm(x)
    assert y.mean().abs() < 1e-4
    assert y.std().item() == pytest.approx(1, abs=1e-2)
    assert torch.allclose(norm.stored_mean, x.mean((0, 2, 3)) * 0.1, atol=1e-4)
    assert torch.allclose(norm.eval()(x), (x - norm.stored_mean[:, None, None]) / (
        norm.stored_var[:, None, None] + 1e-5).sqrt(), atol=1e-4)  # fmt: skip


def test_the_discriminator_takes_photos_of_256_px_down_to_4(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S084: BigGAN's blocks, names and attention."""
    net = Discriminator(8)
    shapes = []
    for block in net.blocks:
        block[0].register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    assert net(torch.rand(1, 3, 256, 256), torch.tensor([3])).shape == (1, 1)
    assert shapes == [
        (8, 128, 128), (16, 64, 64), (32, 32, 32), (64, 16, 16), (64, 8, 8), (128, 4, 4),
        (128, 4, 4),
    ]  # fmt: skip
    names = set(net.state_dict())
    assert {"blocks.0.0.conv_sc.weight", "blocks.1.1.gamma", "linear.u0", "embed.sv0"} <= names
    assert "blocks.6.0.conv_sc.weight" not in names


def test_a_step_moves_both_players_and_nothing_that_is_never_computed(game: Game) -> None:
    """S068, S071, S091."""
    before = {name: value.clone() for name, value in game.net.state_dict().items()}
    critic = {name: value.clone() for name, value in game.critic.named_parameters()}
    x, c, z = batch()
    losses = game.step(x, c, z)
    assert set(losses) == {"loss_d", "adv", "mse", "loss"}
    moved = {n for n, v in game.critic.named_parameters() if not torch.equal(v, critic[n])}
    assert {"blocks.0.0.conv1.weight", "blocks.6.0.conv2.weight", "embed.weight"} <= moved
    for name, value in game.net.state_dict().items():
        idle = name.startswith(("G.linear", "G.blocks.0", "G.blocks.1")) or ".in" in name
        if idle:
            assert torch.equal(value, before[name]), name
    moved = {n for n, v in game.net.named_parameters() if not torch.equal(v, before[n])}
    assert {"E.res1.conv.weight", "G.blocks.5.0.conv2.weight", "G.shared.weight"} <= moved


def test_the_generators_step_leaves_the_discriminator_alone(game: Game) -> None:
    x, c, z = batch()
    game.train()
    game.critic.zero_grad()
    fake = game.paint(grey(x), c, z)
    torch.stack(list(game.complaints(x, c, fake).values())).sum().backward()
    assert all(value.grad is None for value in game.critic.parameters())
    assert game.net.E.res1.conv.weight.grad.abs().sum() > 0


def test_a_generator_that_is_to_stay_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """S068: finetune_g=false teaches the encoder alone, finetune_d=false no discriminator."""
    monkeypatch.setattr(bigcolor, "WIDTH", WIDTH)
    game = Game(config("finetune_g=false", "finetune_d=false"), "cpu", 1)
    before = {name: value.clone() for name, value in game.net.state_dict().items()}
    critic = {name: value.clone() for name, value in game.critic.named_parameters()}
    game.step(*batch())
    for name, value in game.net.state_dict().items():
        if name.startswith("G.") and not name.endswith(("u0", "sv0")):
            assert torch.equal(value, before[name]), name
    assert not torch.equal(game.net.E.res5.conv.weight, before["E.res5.conv.weight"])
    assert all(torch.equal(value, critic[name]) for name, value in game.critic.named_parameters())


def test_the_perceptual_loss_counts_a_fifth_and_can_be_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S075."""
    pytest.importorskip("torchvision", reason="torchvision is missing")
    monkeypatch.setattr(bigcolor, "WIDTH", WIDTH)
    game = Game(config("perceptual=random"), "cpu", 1)
    x, c, z = batch()
    game.train()
    fake = game.paint(grey(x), c, z)
    assert game.features
    distance = game.features(x, (fake + 1) / 2).item()
    assert distance > 0
    assert game.complaints(x, c, fake)["lpips"].item() == pytest.approx(0.2 * distance, rel=1e-5)
    without = Game(config("perceptual=random", "loss_lpips=false"), "cpu", 1)
    assert without.step(x, c, z).keys() == {"loss_d", "adv", "mse", "loss"}


def test_the_average_follows_slowly(game: Game) -> None:
    """S077: decay 0.999, faster at the start."""
    name = "E.res1.conv.weight"
    start = game.average[name].clone()
    game.step(*batch())
    learnt = game.net.E.res1.conv.weight
    assert torch.allclose(game.average[name], start + (learnt - start) * (1 - 2 / 11))
    game.updates = 10**6
    held = game.average[name].clone()
    game.update_average()
    assert torch.allclose(game.average[name], held + (learnt - held) * 0.001, atol=1e-7)


def test_rates_and_betas_are_the_reports(game: Game) -> None:
    """S069, S070."""
    (group,), (other,) = game.optimiser_g.param_groups, game.optimiser_d.param_groups
    assert (group["lr"], group["betas"]) == (1e-4, (0.0, 0.999))
    assert (other["lr"], other["betas"]) == (3e-5, (0.0, 0.999))
    game.end_epoch()
    assert (group["lr"], other["lr"]) == pytest.approx((0.9e-4, 2.7e-5))


def test_a_resumed_run_takes_its_rates_from_the_settings(game: Game) -> None:
    """S099: after a plateau an operator goes on with another rate; the schedule stays."""
    game.end_epoch()
    same, slower = (Game(config(*given), "cpu", 1) for given in ((), ("lr=1e-5",)))
    for other in (same, slower):
        other.restore(game.state())
    rates = [[group["lr"] for group in g.optimiser_g.param_groups] for g in (game, same, slower)]
    assert rates == [[0.9 * 1e-4]] * 2 + [[0.9 * 1e-5]]
    assert slower.schedules[0].get_last_lr() == rates[2]
    slower.end_epoch()
    assert slower.optimiser_g.param_groups[0]["lr"] == pytest.approx(0.81e-5)
    assert slower.optimiser_d.param_groups[0]["lr"] == pytest.approx(0.81 * 3e-5)


def test_half_precision_is_for_gpus_and_its_scaler_for_both_players(game: Game) -> None:
    """S087."""
    assert not game.half
    game.device = torch.device("cuda")
    assert game.half
    game.config = config("amp=false")
    assert not game.half
    game.device, stepped = torch.device("cpu"), []
    game.scaler.step = lambda optimiser: stepped.append(optimiser)
    game.step(*batch())
    assert stepped == [game.optimiser_d, game.optimiser_g]


@pytest.mark.parametrize(("off", "left"), [("mse", {"adv"}), ("adv", {"mse"})])
def test_a_loss_can_be_switched_off(
    off: str, left: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S075."""
    monkeypatch.setattr(bigcolor, "WIDTH", WIDTH)
    game = Game(config(f"loss_{off}=false"), "cpu", 1)
    assert set(game.step(*batch())) == {"loss_d", "loss", *left}
    game.config = config("loss_mse=false", "loss_adv=false")
    with pytest.raises(TrainingError, match="all three losses are off"):
        game.step(*batch())


def test_the_schedules() -> None:
    """S072."""
    assert share(3, BigColorConfig()) == pytest.approx(0.9**3)
    assert share(3, BigColorConfig(schedule_type="linear", num_epoch=8)) == pytest.approx(5 / 8)
    assert share(3, BigColorConfig(use_schedule=False)) == 1


def test_the_losses() -> None:
    """S075: hinge, mean of the halves."""
    assert hinge(torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 1.0])) == pytest.approx(0.625)


def test_more_colour_for_the_discriminator() -> None:
    """S080: grey stays, colour grows, nothing leaves 0..1."""
    flat = torch.full((1, 3, 2, 2), 0.4)
    assert torch.allclose(enhance(flat, 1.5), flat, atol=1e-4)
    red = torch.tensor([0.6, 0.4, 0.4]).view(1, 3, 1, 1)
    level = 0.4 + 0.2 * gan.GREY[0]
    assert enhance(red, 1.5)[0, 0, 0, 0] == pytest.approx(level + 1.5 * (0.6 - level), abs=1e-4)
    assert enhance(torch.rand(1, 3, 8, 8), 9.0).max() <= 1


def test_grey_is_torchvisions() -> None:
    """S091."""
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is missing")
    x = torch.rand(2, 3, 8, 8)
    assert torch.allclose(grey(x), transforms.Grayscale()(x), atol=1e-6)


def test_perceptual_distance(tmp_path: Path) -> None:
    """S061, S075: VGG16's layers from a file of torchvision's names."""
    vgg = pytest.importorskip("torchvision.models.vgg", reason="torchvision is missing")
    torch.manual_seed(0)
    net = vgg.make_layers(vgg.cfgs["D"])
    state = {f"features.{name}": value for name, value in net.state_dict().items()}
    torch.save(dict(list(state.items())[:4]), tmp_path / "vgg.pth")
    with pytest.raises(TrainingError, match="no VGG16"):
        perceptual.build("vgg", str(tmp_path / "vgg.pth"), (1, 2))
    torch.save({**state, "classifier.0.bias": torch.zeros(3)}, tmp_path / "vgg.pth")
    loss = perceptual.build("vgg", str(tmp_path / "vgg.pth"), (1, 2, 13, 20))
    x, y = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64).requires_grad_()
    distance = loss(x, y)
    distance.backward()
    assert y.grad is not None
    assert y.grad.abs().sum() > 0
    maps = loss.features(x)
    assert [tuple(found.shape[1:]) for found in maps] == [
        (64, 224, 224), (64, 224, 224), (256, 56, 56), (512, 28, 28),
    ]  # fmt: skip
    assert maps[0].min() >= 0 > maps[1].min()
    pairs = zip(maps, loss.features(y), strict=True)
    wanted = sum(nn.functional.mse_loss(a, b) for a, b in pairs) / 4 / 2
    assert distance.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert torch.equal(loss.vgg[0].weight, net[0].weight)


def test_missing_vgg_weights_are_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torchvision", reason="torchvision is missing")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingWeights, match=r"vgg16.*path_vgg=FILE.*perceptual=random"):
        perceptual.build("vgg", "", (1, 2, 13, 20))


def test_published_weights_that_do_not_fit_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """S062, S084: what fits is taken, what does not is told."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    torch.save({"0.weight": torch.ones(2, 2), "1.weight": torch.ones(3, 3)}, tmp_path / "d.pth")
    with caplog.at_level(logging.INFO, "training"):
        pretrained(net, str(tmp_path / "d.pth"), "no_pretrained_d")
    assert torch.equal(net[0].weight, torch.ones(2, 2))
    assert "lacks 3 weights: 0.bias, 1.bias, 1.weight" in caplog.text
    assert "has unused 1 weights: 1.weight" in caplog.text
    torch.save({"other": torch.ones(1)}, tmp_path / "d.pth")
    with pytest.raises(TrainingError, match="no weight of this network"):
        pretrained(net, str(tmp_path / "d.pth"), "no_pretrained_d")
    (tmp_path / "d.pth").write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(TrainingError, match="a web page, not a checkpoint"):
        pretrained(net, str(tmp_path / "d.pth"), "no_pretrained_d")


@pytest.mark.parametrize("how", ["ortho", "N02", "xavier", ""])
def test_first_weights(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S059."""
    monkeypatch.setattr(bigcolor, "WIDTH", WIDTH)
    net, idle = generator(finetune=True)
    initialise(net, how, idle)
    matrix = net.E.res3.conv.weight.detach().flatten(1)  # (16, 8)
    if how == "ortho":
        assert torch.allclose(matrix.T @ matrix, torch.eye(matrix.shape[1]), atol=1e-4)
    else:
        bound = {"N02": 0.1, "xavier": 0.5, "": 0.36}[how]
        assert 0 < matrix.abs().max() < bound
    assert net.G.blocks[2][0].conv1.u0.norm() > 0


def test_tensorboard_does_not_bring_tensorflow_along() -> None:
    """The two cannot live in one process with torch's compiler."""
    pytest.importorskip("tensorboard", reason="tensorboard is missing")
    code = "import sys, training.board as b; b.SummaryWriter; print('tensorflow' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
