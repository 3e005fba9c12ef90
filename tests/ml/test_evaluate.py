"""S114-S122: measured against the truth, with grey beside it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ml.errors import OutOfMemory
from ml.evaluate import bootstrap, evaluate, grey_of, photos, set_hash
from ml.images import Photograph, open_photo
from ml.spec import Settings


class Grey:
    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        return replace(photo, pixels=np.repeat(photo.pixels[..., None], 3, -1))


class Failing:
    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        raise OutOfMemory("no room")


class Oracle:
    """Knows the photos and returns them."""

    def __init__(self, folder: Path) -> None:
        self.truths = [open_photo(path) for path in photos(folder)]

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        match = [truth for truth in self.truths if (grey_of(truth).pixels == photo.pixels).all()]
        return replace(photo, pixels=match[0].pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(data, name)()[:256, :256]).save(tmp_path / f"{name}.png")
    return tmp_path


def test_a_model_that_paints_nothing_scores_what_grey_scores(folder: Path) -> None:
    report = evaluate({"grey": Grey()}, photos(folder), Settings())
    row = report["models"]["grey"]
    assert row["de00"] == report["grey"]["de00"]
    assert row["better_than_grey"] == 0
    assert row["de00_minus_grey"] == {"mean": 0.0, "ci95": [0.0, 0.0]}


def test_the_truth_scores_zero(folder: Path) -> None:
    report = evaluate({"oracle": Oracle(folder)}, photos(folder), Settings())
    row = report["models"]["oracle"]
    assert row["de00"]["mean"] == 0
    assert row["better_than_grey"] == 3
    assert row["colourfulness"] == pytest.approx(report["truth"]["colourfulness"])
    assert row["max_abs_dL"] < 0.4


def test_a_photo_that_fails_is_named_and_costs_nothing_else(folder: Path) -> None:
    report = evaluate({"failing": Failing(), "grey": Grey()}, photos(folder), Settings())
    assert report["models"]["failing"]["failed"][0] == {
        "photo": "astronaut.png",
        "code": "out_of_memory",
    }
    assert report["models"]["failing"]["de00"]["mean"] is None
    assert report["models"]["grey"]["failed"] == []
    json.dumps(report, allow_nan=False)


def test_a_damaged_photo_is_named_and_left_out(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"not a photo")
    report = evaluate({"grey": Grey()}, photos(folder), Settings())
    failed = report["models"]["grey"]["failed"]
    assert failed == [{"photo": "broken.jpg", "code": "unsupported_type"}]
    assert report["grey"]["de00"]["mean"] > 0


def test_the_set_hash_does_not_depend_on_where_the_photos_lie(folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in photos(folder):
        (moved / path.name).write_bytes(path.read_bytes())
    assert set_hash(photos(moved)) == set_hash(sorted(folder.glob("*.png")))


def test_the_interval_holds_the_mean_and_is_repeatable() -> None:
    differences = np.random.default_rng(3).normal(-1, 2, 100).tolist()
    low, high = bootstrap(differences)
    assert low < np.mean(differences) < high
    assert (low, high) == tuple(bootstrap(differences))
    assert high - low == pytest.approx(2 * 1.96 * 2 / 10, rel=0.2)


def test_photos_are_measured_at_512_px(folder: Path, tmp_path: Path) -> None:
    seen = []

    class Watching(Grey):
        def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
            seen.append(photo.pixels.shape)
            return super().colorize(photo, settings)

    big = tmp_path / "big"
    big.mkdir()
    Image.fromarray(data.astronaut()).resize((1024, 768)).save(big / "big.png")
    evaluate({"watching": Watching()}, photos(big), Settings())
    assert seen == [(384, 512)]
