"""`manage.py evaluate_models`: what it prints, writes and refuses."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from skimage import data

from ml import registry
from ml.management.commands import evaluate_models
from ml.management.contenders import contenders

CONTRACT = {
    "weights_sha256", "de00", "de00_minus_grey", "better_than_grey", "colourfulness", "psnr",
    "max_abs_dL", "seconds", "failed",
}  # fmt: skip
BUNDLED = Path(registry.__file__).parent / "weights" / "coloria.onnx"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name in ("astronaut", "coffee"):
        Image.fromarray(getattr(data, name)()).resize((160, 120)).save(folder / f"{name}.jpg")
    return folder


def evaluated(photos: Path, *options: object) -> str:
    out = io.StringIO()
    call_command("evaluate_models", "--images", str(photos), *map(str, options), stdout=out)
    return out.getvalue()


def test_it_prints_grey_first_and_writes_the_contract(photos: Path, tmp_path: Path) -> None:
    """S189: grey, the models, and their distance from the truth."""
    target = tmp_path / "report.json"
    lines = evaluated(photos, "--models", "coloria", "--json", target).splitlines()
    assert lines[2].startswith("grey")
    assert lines[3].startswith("coloria")
    assert "s in all" in lines[-1]
    report = json.loads(target.read_text())
    assert set(report) >= {"set", "grey", "truth", "models"}
    assert set(report["models"]["coloria"]) >= CONTRACT
    assert len(report["models"]["coloria"]["weights_sha256"]) == 64
    assert report["models"]["coloria"]["max_abs_dL"] < 0.3


def test_the_csv_has_a_line_per_photo_and_model(photos: Path, tmp_path: Path) -> None:
    target, full = tmp_path / "report.csv", tmp_path / "report.json"
    evaluated(photos, "--models", "coloria", "--csv", target, "--json", full)
    rows = list(csv.DictReader(target.open()))
    assert [(row["photo"], row["model"]) for row in rows] == [
        ("astronaut.jpg", "grey"), ("astronaut.jpg", "coloria"),
        ("coffee.jpg", "grey"), ("coffee.jpg", "coloria"),
    ]  # fmt: skip
    mean = sum(float(row["de00"]) for row in rows if row["model"] == "coloria") / 2
    assert mean == pytest.approx(json.loads(full.read_text())["models"]["coloria"]["de00"]["mean"])


def test_the_coloured_photos_can_be_kept(photos: Path, tmp_path: Path) -> None:
    """S122."""
    evaluated(photos, "--models", "coloria", "--results", tmp_path / "out")
    with Image.open(tmp_path / "out/coloria/coffee.jpg.png") as image:
        assert (image.mode, image.size) == ("RGB", (160, 120))


def test_revealed_points_bring_the_colours_nearer(photos: Path, tmp_path: Path) -> None:
    plain, hinted = tmp_path / "plain.json", tmp_path / "hinted.json"
    evaluated(photos, "--models", "coloria", "--json", plain)
    printed = evaluated(photos, "--models", "coloria", "--hints", "40", "--json", hinted)
    assert "told the true colour of 40 points" in printed
    means = [
        json.loads(path.read_text())["models"]["coloria"]["de00"]["mean"]
        for path in (hinted, plain)
    ]
    assert means[0] < means[1] - 0.5


def test_a_weight_file_is_measured_beside_the_installed_model(photos: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(BUNDLED.read_bytes())
    target = tmp_path / "report.json"
    evaluated(photos, "--models", f"coloria,coloria={other}", "--json", target)
    installed, file = json.loads(target.read_text())["models"].values()
    assert file["weights_sha256"] == installed["weights_sha256"]
    assert file["de00"] == installed["de00"]


def test_the_checkpoints_of_a_run_are_found_in_the_order_of_steps(tmp_path: Path) -> None:
    """S120; what tells no step is no checkpoint."""
    (tmp_path / "checkpoints").mkdir()
    for name, step in (("checkpoints/late", 30), ("checkpoints/early", 4), ("best", 20)):
        (tmp_path / f"{name}.pth").write_bytes(b"")
        (tmp_path / f"{name}.json").write_text(json.dumps({"step": step}))
    (tmp_path / "unknown.pth").write_bytes(b"")
    rows = contenders("stable", tmp_path, tmp_path)
    assert {name: row.step for name, row in rows.items()} == {
        "stable@checkpoints/early": 4, "stable@best": 20, "stable@checkpoints/late": 30,
    }  # fmt: skip


def test_epochs_are_told_by_the_names_that_upstream_gives(tmp_path: Path) -> None:
    """S100, S120: of BigColor's files the averaged ones; they are read with the raw ones beside
    them, which are not counted twice.
    """
    for name in ("EG_001", "EG_EMA_001", "EG_EMA_010", "EG_EMA_002"):
        (tmp_path / f"{name}.ckpt").write_bytes(b"")
    rows = contenders("bigcolor", tmp_path, tmp_path)
    assert [row.step for row in rows.values()] == [1, 2, 10]


def test_a_checkpoint_that_cannot_be_read_costs_its_row_only(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "torn.onnx").write_bytes(b"torn")
    printed = evaluated(photos, "--models", f"coloria,coloria={tmp_path / 'torn.onnx'}")
    assert "every photo failed (model_unavailable)" in printed
    assert "s in all" in printed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--models", "nope"], "no model with this name"),
        (["--models", "coloria=gone.onnx"], "gone.onnx is not a file"),
        (["--models", "coloria", "--checkpoints", "."], "no checkpoints of coloria"),
        (["--models", "coloria", "--hints", "-1"], "--hints is 0 or more"),
        (["--models", "coloria", "--hints", "5", "--cards"], "--cards goes with"),
        (["--models", "coloria", "--limit", "3", "--cards"], "--cards goes with"),
        (["--models", "coloria", "--limit", "0"], "--limit is 1 or more"),
        (["--checkpoints", "."], "--models NAME"),
        (["--models", "coloria", "--html", "gone/report.html"], "no folder gone"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_before_any_work(
    photos: Path, options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=said):
        evaluated(photos, *options)


def test_photos_without_colour_and_results_without_colour_can_be_drawn(
    photos: Path, tmp_path: Path
) -> None:
    Image.open(photos / "coffee.jpg").convert("L").save(tmp_path / "grey.png")
    for folder, strength in ((tmp_path, 1), (photos, 0)):
        page = tmp_path / f"{strength}.html"
        evaluated(folder, "--models", "coloria", "--strength", strength, "--html", page)
        assert "left grey" in page.read_text()


def test_the_device_is_the_one_that_is_set(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.COLORIA_DEVICE = "cuda:1"
    asked: list[object] = []
    monkeypatch.setattr(registry, "load", lambda *_, **how: asked.append(how["device"]))
    for row in contenders(f"coloria,coloria={BUNDLED}", None, Path("none")).values():
        row.load()
    assert asked == ["cuda:1", "cuda:1"]


def test_only_the_checkpoints_of_one_run_make_a_curve() -> None:
    rows = contenders(f"coloria={BUNDLED}", None, Path("none"))
    assert [row.step for row in rows.values()] == [None]


def test_an_evaluation_without_photos_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no photos below"):
        evaluated(tmp_path, "--models", "coloria")


def test_the_card_keeps_what_is_written_by_hand(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate_models, "CARDS", tmp_path)
    (tmp_path / "coloria.json").write_text(json.dumps({"recipe": "by hand"}))
    evaluated(photos, "--models", "coloria", "--cards")
    card = json.loads((tmp_path / "coloria.json").read_text())
    assert card["recipe"] == "by hand"
    assert set(card["measured"]) >= CONTRACT | {"set", "grey", "truth", "verdict"}
    assert card["measured"]["set"]["images"] == 2


def test_the_bundled_model_is_measured_on_100_photos() -> None:
    """S114."""
    card = json.loads((evaluate_models.CARDS / "coloria.json").read_text())
    assert card["measured"]["set"]["images"] == 100
    assert card["measured"]["failed"] == []
