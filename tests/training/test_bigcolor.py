"""`train_model bigcolor` end to end: it finishes, resumes after kill -9, shares, stops, refuses."""

import dataclasses
import itertools
import json
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ml import registry
from ml.backends import engines
from ml.backends.checkpoints.bigcolor import network
from ml.nets import bigcolor
from ml.spec import Settings
from tests.ml.photos import cameraman, photograph
from tests.training import runs
from tests.training.small_bigcolor import WIDTH, config
from training import checkpoint
from training.config import PRESETS, override
from training.data import shuffled
from training.errors import MissingWeights, NonFiniteLoss, TrainingError
from training.gan import Game
from training.recipes.bigcolor import Books, prepare, run
from training.squares import Squares

SMALL = [sys.executable, "-m", "tests.training.small_bigcolor"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bigcolor, "WIDTH", WIDTH)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def finished(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run of two epochs."""
    out = tmp_path_factory.mktemp("bigcolor") / "run"
    runs.finish([*SMALL, str(photos), str(out), "num_epoch=2", "interval_save_ckpt=1"], out.parent)
    return out


@pytest.mark.timeout(600)
def test_the_smoke_run_ends_in_weights_that_colour(photos: Path, tmp_path: Path) -> None:
    """S004, S013, S083: the whole generator, through to a coloured photo."""
    out = tmp_path / "run"
    train = [sys.executable, "manage.py", "train_model", "bigcolor", "--smoke", "--device", "cpu"]
    runs.finish([*train, "--data", str(photos), "--out", str(out)], tmp_path)
    record = json.loads((out / "last.json").read_text())
    assert record["step"] == 1
    assert record["best_de00"] > 0
    model = registry.load("bigcolor", weights=out / "bigcolor.ckpt", device="cpu")
    result = model.colorize(photograph(cameraman()), Settings(label=0))
    shutil.rmtree(out)  # 2 GB
    assert result.pixels.shape == (512, 512, 3)
    assert np.ptp(result.pixels.astype(int), axis=2).max() > 0


@pytest.mark.timeout(600)
def test_a_killed_run_resumes_bit_for_bit(finished: Path, photos: Path, tmp_path: Path) -> None:
    """S064, S093, S098: weights, both optimisers, schedules, averages and the loss curve."""
    killed = tmp_path / "killed"
    command = [*SMALL, str(photos), str(killed), "num_epoch=2", "interval_save_ckpt=1"]
    last = json.loads((finished / "last.json").read_text())["step"]
    assert runs.kill_early(command, killed, tmp_path) < last
    runs.finish([*command, "--resume"], tmp_path)
    runs.same(*(checkpoint.load(out / "last.pt") for out in (finished, killed)))
    for tag in ("loss", "loss_d", "valid_ema/de00"):
        whole = runs.curve(finished, tag)
        assert len(whole) > 1
        assert whole == runs.curve(killed, tag), tag


@pytest.mark.timeout(600)
def test_two_processes_share_each_batch(photos: Path, tmp_path: Path) -> None:
    """S085, S086, S089, S090, S092, S096: gloo on the processor, one set of books."""
    share = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    out = tmp_path / "run"
    said = runs.finish([*share, *SMALL[1:], str(photos), str(out), "size_batch=5"], tmp_path)
    assert "epoch 000: 100%" in said
    record = json.loads((out / "last.json").read_text())
    assert record["step"] == record["photos"] // 4  # 5 photos cannot be halved
    assert len(list((out / "tensorboard").iterdir())) == 1
    assert (out / "bigcolor.ckpt").exists()


def test_each_of_the_eight_stages_leaves_its_trace(finished: Path) -> None:
    """S054: settings, networks, optimisers and schedules, loop, logs, averages and pictures; the
    eighth, several processes, has a test of its own.
    """
    record, state = (
        json.loads((finished / "last.json").read_text()), checkpoint.load(finished / "last.pt"),
    )  # fmt: skip
    assert record["config"]["num_epoch"] == 2
    assert {"EG", "D", "optimiser_g", "optimiser_d", "schedules", "ema", "scaler"} <= state.keys()
    assert state["updates"] == state["step"] == record["step"]
    assert list((finished / "tensorboard").iterdir()) and list((finished / "samples").iterdir())


def test_every_epoch_leaves_files_as_upstream_releases_them(finished: Path, small: None) -> None:
    """S076, S100: the averaged list, put into the raw weights, is the network to install."""
    raw, average = finished / "EG_001.ckpt", finished / "EG_EMA_001.ckpt"
    assert (finished / "EG_000.ckpt").exists()
    installed = network([finished / "bigcolor.ckpt"], "BigColor").state_dict()
    runs.same(network([raw, average], "BigColor").state_dict(), installed)
    measured = engines.network(registry.get("bigcolor"), average)  # S120
    runs.same(measured.state_dict(), installed)
    changed = network([raw], "BigColor").state_dict()
    assert any(not torch.equal(installed[name], changed[name]) for name in installed)


def test_an_epochs_files_are_there_before_the_checkpoint_that_a_resumed_run_begins_at(
    photos: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S093, S100."""

    class Killed(Exception):
        pass

    def kill(books: Books, step: int) -> None:
        raise Killed

    monkeypatch.setattr(Books, "save", kill)
    with pytest.raises(Killed):
        run(photos, tmp_path, tmp_path / "cache", config(), "small", False, "cpu")
    assert (tmp_path / "EG_EMA_000.ckpt").exists()


def test_tensorboard_and_the_sheets_show_both_networks_on_both_parts(finished: Path) -> None:
    """S067, S094, S095, S097, S121: `iter_sample` batches, truth above result."""
    with Image.open(finished / "samples" / "valid_ema_0000000.png") as sheet:
        assert sheet.size == (2 * 64, 2 * 64)
    sheets = {path.name for path in (finished / "samples").iterdir()}
    for tag in ("train", "valid", "train_ema", "valid_ema"):
        assert tag in runs.tags(finished)
        assert {f"{tag}_0000000.png", f"{tag}_0000004.png"} <= sheets
    assert {"loss_d", "adv", "mse", "rate_g", "rate_d"} <= runs.tags(finished)
    names = json.loads((finished / "split.json").read_text())
    assert len(names["valid"]) == 2
    assert names["classes"] == ["", "more"]


def test_a_loss_that_is_not_finite_names_the_step(
    photos: Path, tmp_path: Path, small: None
) -> None:
    with pytest.raises(NonFiniteLoss, match=r"step \d.*last\.pt"):
        run(photos, tmp_path, tmp_path / "cache", config("lr=1e38"), "small", False, "cpu")


def test_weights_that_are_lost_never_become_the_last_checkpoint(
    photos: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(game: Game) -> None:
        game.net.E.res1.conv.weight.data.fill_(torch.nan)

    monkeypatch.setattr(Game, "update_average", lose)
    with pytest.raises(NonFiniteLoss, match=r"step 0 made weights infinite.*last\.pt"):
        settings = config("interval_save_ckpt=1")
        run(photos, tmp_path, tmp_path / "cache", settings, "small", False, "cpu")
    assert not (tmp_path / "last.pt").exists()


def test_a_full_disk_leaves_the_last_checkpoint_whole(
    photos: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save

    def full(held: dict[str, object], part: Path) -> None:
        if held.get("step") == 2:
            part.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save(held, part)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        settings = config("interval_save_ckpt=1")
        run(photos, tmp_path, tmp_path / "cache", settings, "small", False, "cpu")
    assert checkpoint.load(tmp_path / "last.pt")["step"] == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("norm_type=batch", "released one"),  # S057
        ("activation=lrelu", "released one"),  # S058
        ("dim_f=32", "released one"),  # S065
        ("no_res=true", "released one"),  # S066
        ("use_attention=true", "released one"),  # S081
        ("dim_z=120", "released one"),  # S078
        ("side=100", "multiple of 64"),
        ("weight_init=zeros", "ortho, N02, xavier"),  # S059
        ("schedule_type=cosine", "mult or linear"),  # S072: any other type raises
        ("perceptual=lpips", "vgg, random or none"),
        ("index_target=7", "index_target"),  # S026: no such folder
    ],
)
def test_what_no_network_here_has_is_refused(
    settings: str, said: str, photos: Path, tmp_path: Path, small: None
) -> None:
    with pytest.raises(TrainingError, match=said):
        run(photos, tmp_path, tmp_path / "cache", config(settings), "small", False, "cpu")


@pytest.mark.parametrize("part", ["g", "d"])
def test_missing_published_weights_are_named_with_the_way_out(
    part: str, photos: Path, tmp_path: Path, small: None
) -> None:
    """S062, S074: never silently without."""
    settings = config(f"no_pretrained_{part}=false", f"path_ckpt_{part}={tmp_path / 'none.pth'}")
    with pytest.raises(MissingWeights, match=rf"none\.pth.*--set no_pretrained_{part}=true"):
        run(photos, tmp_path, tmp_path / "cache", settings, "small", False, "cpu")


def test_the_held_out_photos_may_come_from_a_folder_of_their_own(
    photos: Path, tmp_path: Path, small: None
) -> None:
    """S025, S026: and only the classes asked for are in use."""
    settings = config(f"path_imgnet_val={photos / 'more'}", "index_target=0")
    found = prepare(photos, tmp_path, settings)
    assert {found.train.labels[photo] for photo in found.train.photos} == {0}
    assert len(found.train) == 5  # of class "": four photos and the grey one
    assert len(found.valid) == 2


def test_a_class_of_few_photos_is_divided_like_the_whole(
    photos: Path, tmp_path: Path, small: None
) -> None:
    """S026: one folder of many, its photos held out in part."""
    places = [tmp_path / "data" / f"class{number:02d}" for number in range(20)]
    for place, photo in zip(places, itertools.cycle(sorted((photos / "more").iterdir()))):
        place.mkdir(parents=True)
        for part in ("a", "b", "c"):
            shutil.copy(photo, place / f"{part}.jpg")
    settings = config("index_target=7", "valid_photos=1")
    found = prepare(tmp_path / "data", tmp_path / "cache", settings)
    for part, count in ((found.train, 2), (found.valid, 1)):
        assert len(part) == count
        assert {part.store.names[photo][:7] for photo in part.photos} == {"class07"}


def test_every_sample_is_the_middle_of_its_photo_with_a_latent_of_its_own(
    photos: Path, tmp_path: Path, small: None
) -> None:
    """S028: the same pixels in training and in validation. S079: z is normal, deviation 0.8."""
    found = prepare(photos, tmp_path, config(f"path_imgnet_val={photos}", "valid_photos=4"))
    places = range(len(found.train))
    names = [found.train.store.names[photo] for photo in found.train.photos]
    learnt = {name_of(found.train, n): found.train[n] for n in places}
    assert learnt.keys() == set(names)
    for n in range(len(found.valid)):
        assert torch.equal(found.valid[n][0], learnt[name_of(found.valid, n)][0])
    latents = torch.stack([z for _, _, z in learnt.values()])
    assert latents.std().item() == pytest.approx(0.8, rel=0.1)
    assert len({z[0].item() for z in latents}) == len(names)


def name_of(part: Squares, number: int) -> str:
    return part.store.names[part.photos[shuffled(number, len(part), part.seed)]]


def test_settings_are_told_if_wanted(
    photos: Path, tmp_path: Path, small: None, caplog: pytest.LogCaptureFixture
) -> None:
    """S073."""
    for wanted in ("false", "true"):
        settings = config(f"print_config={wanted}", "index_target=7")
        with caplog.at_level(logging.INFO, "training"), pytest.raises(TrainingError):
            run(photos, tmp_path, tmp_path / "cache", settings, "small", False, "cpu")
        assert ('settings: {"task_name": "unknown"' in caplog.text) == (wanted == "true")


def test_each_process_takes_its_own_gpu(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S082, S088."""

    class Taken(Exception):
        pass

    def take(number: int) -> None:
        raise Taken(number)

    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "set_device", take)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(Taken, match="1"):
        run(photos, tmp_path, tmp_path, config(), "small", False, "cuda")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match="torchrun started several"):
        run(photos, tmp_path, tmp_path, config("multi_gpu=false"), "small", False, "cpu")


def test_the_defaults_are_the_reports() -> None:
    """S055, S056, S057, S058, S059, S062, S063, S065, S066, S067, S068, S069, S070, S072, S073,
    S074, S075, S076, S078, S079, S080, S081, S082: Figs 15-25, and each is set by its name.
    """
    held = dataclasses.asdict(PRESETS["bigcolor"]["report"])
    report = {
        "task_name": "unknown", "detail": "unknown", "norm_type": "adabatch",
        "activation": "relu", "weight_init": "ortho", "path_ckpt_g": "pretrained/G_ema_256.pth",
        "path_ckpt_d": "pretrained/D_256.pth", "num_worker": 8, "iter_sample": 3, "num_layer": 2,
        "num_epoch": 1, "dim_f": 16, "no_res": False, "no_cond_e": False, "interval_save_loss": 20,
        "interval_save_train": 150, "interval_save_test": 2000, "interval_save_ckpt": 4000,
        "finetune_g": True, "finetune_d": True, "lr": 1e-4, "b1": 0.0, "b2": 0.999, "lr_d": 3e-5,
        "b1_d": 0.0, "b2_d": 0.999, "use_schedule": True, "schedule_decay": 0.90,
        "schedule_type": "mult", "print_config": False, "no_pretrained_g": False,
        "no_pretrained_d": False, "loss_mse": True, "loss_lpips": True, "loss_adv": True,
        "coef_mse": 1.0, "coef_lpips": 0.2, "coef_adv": 0.03, "vgg_target_layers": (1, 2, 13, 20),
        "decay_ema_g": 0.999, "dim_z": 119, "seed": 42, "size_batch": 20, "use_enhance": False,
        "coef_enhance": 1.5, "use_attention": False, "multi_gpu": True, "deviation": 0.8,
        "side": 256,
    }  # fmt: skip
    assert {name: held[name] for name in report} == report
    for name, value in report.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        another = not value if isinstance(value, bool) else type(value)()
        other = dataclasses.replace(PRESETS["bigcolor"]["report"], **{name: another})
        assert getattr(override(other, [f"{name}={text}"]), name) == value


def test_the_three_runs_of_the_text_are_presets() -> None:
    """S101 and its contradictions: defaults, the run reported, upstream's."""
    presets = PRESETS["bigcolor"]
    found = {n: (p.num_epoch, p.num_layer, p.size_batch) for n, p in presets.items()}
    assert found["report"] == (1, 2, 20)
    assert found["reported"] == (8, 8, 17)
    assert found["upstream"] == (20, 2, 60)
