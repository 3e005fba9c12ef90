"""Measured against the truth, with grey beside it."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.errors import ModelUnavailable, OutOfMemory
from ml.evaluate import Contender, bootstrap, evaluate, grey_of, photos, set_hash, verdict
from ml.evaluate.photos import read, revealed
from ml.images import Photograph, open_photo
from ml.spec import Colorizer, Settings


class Grey:
    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        return replace(photo, pixels=np.repeat(photo.pixels[..., None], 3, -1))


class Failing:
    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        raise OutOfMemory("no room")


class Listening(Grey):
    def __init__(self) -> None:
        self.heard: list[Settings] = []

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        self.heard.append(settings)
        return super().colorize(photo, settings)


class Oracle:
    """Knows the photos and returns them."""

    def __init__(self, folder: Path) -> None:
        self.truths = [open_photo(path) for path in photos(folder)]

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        match = [truth for truth in self.truths if (grey_of(truth).pixels == photo.pixels).all()]
        return replace(photo, pixels=match[0].pixels)


def entered(colorizer: Colorizer, **facts: Any) -> Contender:
    return Contender(lambda: colorizer, "coloria", **facts)


def measured(folder: Path, hints: int = 0, **models: Colorizer) -> dict[str, Any]:
    rows = {name: entered(model, reads_hints=True) for name, model in models.items()}
    return evaluate(rows, photos(folder), Settings(), hints)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(data, name)()[:256, :256]).save(tmp_path / f"{name}.png")
    return tmp_path


def test_a_model_that_paints_nothing_scores_what_grey_scores(folder: Path) -> None:
    report = measured(folder, grey=Grey())
    row = report["models"]["grey"]
    assert row["de00"] == report["grey"]["de00"]
    assert row["better_than_grey"] == 0
    assert row["de00_minus_grey"] == {"mean": 0.0, "ci95": [0.0, 0.0]}
    assert row["verdict"] == "does not beat grey"


def test_the_truth_scores_zero(folder: Path) -> None:
    """S115."""
    report = measured(folder, oracle=Oracle(folder))
    row = report["models"]["oracle"]
    assert row["de00"]["mean"] == 0
    assert row["better_than_grey"] == 3
    assert row["colourfulness"] == pytest.approx(report["truth"]["colourfulness"])
    assert row["max_abs_dL"] < 0.4
    assert row["verdict"] == "beats grey"


def test_a_photo_that_fails_is_named_and_costs_nothing_else(folder: Path) -> None:
    report = measured(folder, failing=Failing(), grey=Grey())
    assert report["models"]["failing"]["failed"][0] == {
        "photo": "astronaut.png",
        "code": "out_of_memory",
    }
    assert report["models"]["failing"]["de00"]["mean"] is None
    assert report["models"]["failing"]["verdict"] == "failed"
    assert report["models"]["grey"]["failed"] == []
    json.dumps(report, allow_nan=False)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried")])
def test_memory_that_runs_out_fails_that_photo_only(folder: Path, error: Exception) -> None:
    class Hungry(Listening):
        def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
            result = super().colorize(photo, settings)
            if len(self.heard) == 2:
                raise error
            return result

    row = measured(folder, hungry=Hungry())["models"]["hungry"]
    assert row["failed"] == [{"photo": "chelsea.png", "code": "out_of_memory"}]


def test_a_model_that_cannot_be_loaded_does_not_end_the_run(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def load() -> Colorizer:
        raise ModelUnavailable("torn in two", {"title": "Coloria"})

    rows = {"torn": Contender(load, "coloria"), "grey": entered(Grey())}
    with caplog.at_level(logging.WARNING):
        report = evaluate(rows, photos(folder), Settings())
    assert "torn in two" in caplog.text
    assert [failure["code"] for failure in report["models"]["torn"]["failed"]] == [
        "model_unavailable"
    ] * 3
    assert report["models"]["grey"]["failed"] == []


def test_one_network_at_a_time_is_in_memory(folder: Path) -> None:
    held: list[str] = []

    class Heavy(Grey):
        def __init__(self, name: str) -> None:
            self.name = name
            held.append(name)
            assert held == [name]

        def __del__(self) -> None:
            held.remove(self.name)

    def loader(name: str) -> Callable[[], Colorizer]:
        return lambda: Heavy(name)

    rows = {name: Contender(loader(name), "coloria") for name in ("one", "two")}
    report = evaluate(rows, photos(folder), Settings())
    assert [row["verdict"] for row in report["models"].values()] == ["does not beat grey"] * 2


def test_a_damaged_photo_is_named_and_left_out(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"not a photo")
    report = measured(folder, grey=Grey())
    failed = report["models"]["grey"]["failed"]
    assert failed == [{"photo": "broken.jpg", "code": "unsupported_type"}]
    assert report["grey"]["de00"]["mean"] > 0


def test_folders_and_links_that_lead_nowhere_are_no_photos(folder: Path) -> None:
    whole = photos(folder)
    (folder / "album.jpg").mkdir()
    (folder / "lost.jpg").symlink_to(folder / "gone.jpg")
    assert photos(folder) == whole


def test_photos_of_the_same_name_are_told_apart(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more/coffee.png").write_bytes((folder / "astronaut.png").read_bytes())
    names = [photo["photo"] for photo in measured(folder, grey=Grey())["photos"]]
    assert names == ["astronaut.png", "chelsea.png", "coffee.png", "more/coffee.png"]


def test_the_set_hash_does_not_depend_on_where_the_photos_lie(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in photos(folder):
        (moved / path.name).write_bytes(path.read_bytes())
    assert set_hash(photos(moved)) == set_hash(sorted(folder.glob("*.png")))


def test_the_same_photos_give_the_same_figures(folder: Path) -> None:
    first, second = (measured(folder, hints=4, oracle=Oracle(folder)) for _ in range(2))
    for report in (first, second):
        del report["seconds"], report["models"]["oracle"]["seconds"]
        for photo in report["photos"]:
            del photo["models"]["oracle"]["seconds"]
    assert first == second


def test_the_interval_holds_the_mean_and_is_repeatable() -> None:
    differences = np.random.default_rng(3).normal(-1, 2, 100).tolist()
    low, high = bootstrap(differences) or (0, 0)
    assert low < np.mean(differences) < high
    assert [low, high] == bootstrap(differences)
    assert high - low == pytest.approx(2 * 1.96 * 2 / 10, rel=0.2)


@pytest.mark.parametrize(
    ("mean", "interval", "said"),
    [
        (-1.0, [-1.5, -0.5], "beats grey"),
        (-0.2, [-0.6, 0.1], "may be chance"),
        (1.3, [0.6, 2.0], "does not beat grey"),
        (None, None, "failed"),
    ],
)
def test_a_lead_that_may_be_chance_is_not_called_a_lead(
    mean: float | None, interval: list[float] | None, said: str
) -> None:
    assert verdict({"mean": mean, "ci95": interval}) == said


def test_photos_are_measured_at_512_px(folder: Path, tmp_path: Path) -> None:
    """S114: a model sees one plane of grey."""
    seen = []

    class Watching(Grey):
        def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
            seen.append(photo.pixels.shape)
            return super().colorize(photo, settings)

    big = tmp_path / "big"
    big.mkdir()
    Image.fromarray(data.astronaut()).resize((1024, 768)).save(big / "big.png")
    measured(big, watching=Watching())
    assert seen == [(384, 512)]


def test_every_model_is_told_the_same_points(folder: Path) -> None:
    one, other = Listening(), Listening()
    measured(folder, hints=5, one=one, other=other)
    assert [len(settings.hints) for settings in one.heard] == [5, 5, 5]
    assert one.heard == other.heard


def test_the_points_have_the_true_colour_and_grow_in_number(folder: Path) -> None:
    path = folder / "coffee.png"
    few, many = revealed(path, 3), revealed(path, 30)
    assert many[:3] == few
    truth = read(path).rgb.astype(float)
    for hint in many:
        row, column = int(hint.y * truth.shape[0]), int(hint.x * truth.shape[1])
        around = truth[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
        assert np.abs(around.mean((0, 1)) - hint.rgb).max() <= 0.5


def test_a_model_without_hints_is_told_nothing(folder: Path) -> None:
    deaf = Listening()
    report = evaluate({"deaf": entered(deaf)}, photos(folder), Settings(), hints=5)
    assert {settings.hints for settings in deaf.heard} == {()}
    assert report["models"]["deaf"]["hints"] == 0
