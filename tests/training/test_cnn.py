"""`train_model cnn` end to end: the report's six parts, resumed after kill -9."""

import importlib.util
import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ml import registry
from ml.color import delta_e00, lab_from_rgb
from ml.management.contenders import contenders
from ml.spec import Settings
from tests.ml.photos import cameraman, photograph
from tests.training import runs
from training import checkpoint, sheet
from training.config import PRESETS, CnnConfig
from training.data import pack
from training.errors import NonFiniteLoss, TrainingError
from training.recipes import cnn

# Found, not imported: TensorFlow and torch's compiler crash each other in one process.
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="the recipe is written in Keras: make full"
)


def command(photos: Path, out: Path, *options: str) -> list[str]:
    train = [sys.executable, "manage.py", "train_model", "cnn", "--smoke", "--device", "cpu"]
    return [*train, "--data", str(photos), "--out", str(out), *options]


@pytest.mark.timeout(600)
def test_the_smoke_run_ends_in_weights_that_colour(photos: Path, tmp_path: Path) -> None:
    """S033, S108, S111, S112, S113: through to a coloured photo, from both files."""
    out = tmp_path / "run"
    said = runs.finish(command(photos, out), tmp_path)
    record = json.loads((out / "last.json").read_text())
    assert record["step"] == -(-record["photos"] // 2)
    assert f"Train color image shape: ({record['photos']}, 160, 160, 3)" in said
    assert "Test color image shape: (2, 160, 160, 3)" in said
    assert "9,602,766" in said or "9,600,206" in said  # all, or those that learn
    assert {"loss", "acc", "psnr", "de00", "grey"} <= record.keys()
    for file in ("my_model.keras", "my_model.h5"):
        model = registry.load("cnn", weights=out / file, device="cpu")
        result = model.colorize(photograph(cameraman()), Settings())
        assert result.pixels.shape == (512, 512, 3)
    assert {"loss", "acc", "train", "valid", "valid/de00"} <= runs.tags(out)
    assert {path.name[:5] for path in (out / "samples").iterdir()} == {"train", "valid"}
    rows = contenders("cnn", out, tmp_path)  # S120
    assert rows["cnn@my_model"].step == record["step"]
    assert "my_model.keras is the format that Keras recommends" in said


@pytest.mark.timeout(900)
def test_a_killed_run_resumes_bit_for_bit(photos: Path, tmp_path: Path) -> None:
    """S064, S093: weights, moments, and the loss curve."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    short = ["--set", "size=32", "threads=1", "epochs=2", "dropout=true"]
    runs.finish(command(photos, whole, *short), tmp_path)
    last = json.loads((whole / "last.json").read_text())["step"]
    assert runs.kill_early(command(photos, killed, *short), killed, tmp_path) < last
    runs.finish(command(photos, killed, "--resume", *short), tmp_path)
    runs.same(*(checkpoint.load(out / "last.pt") for out in (whole, killed)))
    curve = runs.curve(whole, "loss")
    assert len(curve) == last
    assert curve == runs.curve(killed, "loss")


DESCRIBE = """
import json
import numpy as np
from training import unet

learner = unet.Learner(160, False, 1e-3)
model = learner.model
blocks = [layer for layer in model.layers if type(layer).__name__ == "Sequential"]
grey, colour = np.zeros((1, 160, 160, 3), "f"), np.ones((1, 160, 160, 3), "f")
faster = unet.Learner(160, False, 0.5)
faster.restore(learner.state())
print("\\n" + json.dumps({
    "resumed": float(faster.model.optimizer.learning_rate.value),
    "parameters": model.count_params(),
    "arrays": len(model.get_weights()),
    "blocks": [[type(part).__name__ for part in block.layers] for block in blocks],
    "filters": [block.layers[0].filters for block in blocks],
    "shapes": [model.input_shape[1:], model.output_shape[1:]],
    "last": [model.layers[-1].kernel_size, model.layers[-1].activation.__name__],
    "rate": float(model.optimizer.learning_rate.value),
    "loss": learner.evaluate(grey, colour, 1)["loss"],
    "expected": float(np.abs(learner.predict(grey, 1) - 1).mean()),
    "dropout": [type(part).__name__ for part in unet.up(8, dropout=True).layers],
}))
"""


@pytest.mark.timeout(300)
def test_the_network_is_the_reports() -> None:
    """S102, S103, S104, S105, S106, S107, S109: layers, widths, 34 arrays, Adam 0.001, mean
    absolute error; dropout is a layer, where the report's own call fails.
    """
    ran = subprocess.run(
        [sys.executable, "-c", DESCRIBE],
        cwd=runs.ROOT, env=runs.environment(runs.ROOT), capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (told["parameters"], told["arrays"]) == (9_602_766, 34)
    plain, normed = ["Conv2D", "LeakyReLU"], ["Conv2D", "BatchNormalization", "LeakyReLU"]
    ups = [["Conv2DTranspose", "LeakyReLU"]] * 5
    assert told["blocks"] == [plain, plain, normed, normed, normed, *ups]
    assert told["filters"] == [128, 128, 256, 512, 512, 512, 256, 128, 128, 3]
    assert told["shapes"] == [[160, 160, 3]] * 2
    assert told["last"] == [[2, 2], "linear"]
    assert told["rate"] == pytest.approx(1e-3)
    assert told["resumed"] == 0.5  # S099: not the checkpoint's
    assert told["loss"] == pytest.approx(told["expected"], rel=1e-4)
    assert told["dropout"] == ["Conv2DTranspose", "Dropout", "LeakyReLU"]


def test_grey_goes_in_and_colour_is_wanted(photos: Path, tmp_path: Path) -> None:
    """S032: both squeezed to SIZE x SIZE x 3; grey is Pillow's L, three times."""
    store = pack(photos, tmp_path, 64, 4.0)
    grey, colour = cnn.Pairs(store, [0, 1], 64).batch([0, 1])
    assert grey.shape == colour.shape == (2, 64, 64, 3)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    luma = colour @ np.array([0.299, 0.587, 0.114], np.float32)
    assert np.abs(luma - grey[..., 0]).max() < 0.02
    assert np.ptp(colour, axis=-1).max() > 0.1


def test_bad_and_grey_photos_are_left_out_and_the_rest_divided(
    photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """S029, S030, S031: the size of the training part is told."""
    settings = CnnConfig(valid_photos=3, train_photos=7, size=32)
    with caplog.at_level(logging.INFO, "training"):
        train, valid = cnn.prepare(photos, tmp_path, settings)
    assert "7" in caplog.messages
    assert (len(train), len(valid)) == (7, 3)
    assert not set(train.photos) & set(valid.photos)
    assert not {"grey.png", "damaged.jpg"} & set(train.store.names)


def test_batches_are_a_function_of_seed_and_step(photos: Path, tmp_path: Path) -> None:
    settings = CnnConfig(valid_photos=2, size=32, batch=4, epochs=2, workers=3)
    train, _ = cnn.prepare(photos, tmp_path, settings)
    plan = cnn.Plan(len(train), 4, 2)
    whole = list(cnn.batches(train, plan, 0, settings))
    later = list(cnn.batches(train, plan, 3, settings))
    assert len(whole) == 6
    assert [len(grey) for grey, _ in whole] == [4, 4, 2, 4, 4, 2]
    runs.same([g.tolist() for g, _ in whole[3:]], [g.tolist() for g, _ in later])


def test_a_size_that_cannot_be_halved_five_times_is_refused(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="multiple of 32"):
        cnn.prepare(photos, tmp_path, CnnConfig(size=100))


def test_a_loss_that_is_not_finite_names_the_step(photos: Path, tmp_path: Path) -> None:
    class Broken:
        def step(self, grey: np.ndarray, colour: np.ndarray) -> dict[str, float]:
            return {"loss": float("nan")}

    settings = CnnConfig(valid_photos=2, size=32, batch=4)
    train, valid = cnn.prepare(photos, tmp_path, settings)
    with pytest.raises(NonFiniteLoss, match=r"step 0.*last\.pt"):
        cnn.Run(Broken(), train, valid, settings, tmp_path).learn({})


def test_weights_that_are_lost_never_become_the_last_checkpoint(
    photos: Path, tmp_path: Path
) -> None:
    class Lost:
        def step(self, grey: np.ndarray, colour: np.ndarray) -> dict[str, float]:
            return {"loss": 1.0}

        def state(self) -> list[torch.Tensor]:
            return [torch.tensor([1.0, float("nan")])]

    settings = CnnConfig(valid_photos=2, size=32, batch=4, checkpoint_every=1)
    train, valid = cnn.prepare(photos, tmp_path, settings)
    with pytest.raises(NonFiniteLoss, match=r"step 0 made weights infinite.*last\.pt"):
        cnn.Run(Lost(), train, valid, settings, tmp_path).learn({})
    assert not (tmp_path / "last.pt").exists()


def test_both_runs_of_the_text_are_presets() -> None:
    """S030, S109, S110 and its contradiction."""
    found = {n: (p.epochs, p.batch, p.size) for n, p in PRESETS["cnn"].items()}
    assert found["report"] == (50, 60, 160)
    assert found["reported"] == (60, 30, 128)
    report = PRESETS["cnn"]["report"]
    assert (report.train_photos, report.valid_photos, report.lr) == (38_950, 50, 1e-3)


def test_figures_stand_beside_greys() -> None:
    """S115: grey's own figures are grey's, the truth's are 0 and full colour."""
    truth = (torch.rand(3, 8, 8, 3).numpy() * 255).astype(np.uint8)
    grey = [sheet.on_luma(np.full((8, 8, 3), 0.5, np.float32), photo) for photo in truth]
    found = sheet.figures(list(truth), grey)
    assert found["de00"] == pytest.approx(found["grey"], abs=0.3)
    assert found["colourfulness"] < 0.05
    perfect = sheet.figures(list(truth), list(truth))
    assert perfect["de00"] == 0
    assert perfect["better"] == perfect["colourfulness"] == 1
    back = sheet.on_luma(truth[0].astype(np.float32) / 255, truth[0])
    assert delta_e00(lab_from_rgb(back), lab_from_rgb(truth[0])).max() < 0.5


def test_a_sheet_shows_truth_above_result() -> None:
    truths = [np.full((2, 2, 3), value, np.uint8) for value in (10, 20, 30)]
    results = [photo + 1 for photo in truths]
    picture = sheet.sheet(truths, results, across=2)
    assert picture.shape == (8, 4, 3)
    assert picture[::2, ::2, 0].tolist() == [[10, 20], [11, 21], [30, 255], [31, 255]]
