"""`manage.py colorize` and `manage.py evaluate_models`, without a server."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from skimage import data

from tests.ml.photos import cameraman, ramp


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    (folder / "box").mkdir(parents=True)
    Image.fromarray(cameraman()).save(folder / "one.jpg")
    Image.fromarray(ramp(dtype=np.uint16)).save(folder / "box" / "two.tif")
    (folder / "box" / "notes.txt").write_text("not a photo")
    return folder


def colorize(*arguments: object) -> list[dict[str, object]]:
    out = io.StringIO()
    call_command("colorize", *map(str, arguments), "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_folder_is_mirrored(scans: Path, tmp_path: Path) -> None:
    reports = colorize(scans, "--out", tmp_path / "out")
    assert [report["model"] for report in reports] == ["coloria", "coloria"]
    with Image.open(tmp_path / "out/one_coloria.jpg") as image:
        assert (image.mode, image.size) == ("RGB", (512, 512))
    assert (tmp_path / "out/box/two_coloria.tif").exists()


def test_one_bad_file_never_stops_the_rest(scans: Path, tmp_path: Path) -> None:
    (scans / "bad.jpg").write_bytes(b"<html>not found</html>")
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 could not be coloured") as caught:
        call_command("colorize", str(scans), "--out", str(tmp_path / "out"), "--json", stdout=out)
    assert caught.value.returncode == 1
    reports = {Path(row["photo"]).name: row for row in map(json.loads, out.getvalue().splitlines())}
    assert reports["bad.jpg"]["error"]["code"] == "unsupported_type"
    assert set(reports) == {"bad.jpg", "one.jpg", "two.tif"}
    assert "result" in reports["two.tif"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        call_command(
            "colorize", str(tmp_path / "gone.jpg"), "--out", str(tmp_path), stderr=io.StringIO()
        )


def test_two_photos_never_become_one_result(scans: Path, tmp_path: Path) -> None:
    Image.fromarray(cameraman()).save(scans / "one.gif")
    Image.fromarray(cameraman()).save(scans / "one.png")
    Image.fromarray(cameraman()).save(scans / "one.jpeg")
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 could not be coloured"):
        call_command("colorize", str(scans), "--out", str(tmp_path / "out"), "--json", stdout=out)
    written = {path.name for path in (tmp_path / "out").iterdir() if path.is_file()}
    assert written == {"one_coloria.jpg", "one_coloria.jpeg", "one_coloria.png"}
    assert "another photo of this run" in out.getvalue()


def test_results_beside_the_photos_are_not_coloured_again(scans: Path) -> None:
    assert len(colorize(scans, "--out", scans / "coloured")) == 2
    assert len(colorize(scans, "--out", scans / "coloured")) == 2


def test_hints_are_read_from_a_file(scans: Path, tmp_path: Path) -> None:
    """S015."""
    hints = tmp_path / "hints.json"
    hints.write_text('[{"x": 0.1, "y": 0.1, "rgb": [30, 60, 220]}]')
    colorize(scans / "one.jpg", "--out", tmp_path / "plain")
    colorize(scans / "one.jpg", "--out", tmp_path / "hinted", "--hints", hints)
    pictures = (
        np.asarray(Image.open(tmp_path / name / "one_coloria.jpg")) for name in ("plain", "hinted")
    )
    plain, hinted = (picture[30:70, 30:70].astype(int).mean((0, 1)) for picture in pictures)
    assert hinted[2] - hinted[0] > plain[2] - plain[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "7",
        '[{"x": 2, "y": 0, "rgb": [0, 0, 0]}]',
        '[{"x": 0, "y": 0, "rgb": [0, 0]}]',
        '[{"y": 1}]',
    ],
)
def test_hints_that_do_not_fit_are_refused(scans: Path, tmp_path: Path, text: str) -> None:
    hints = tmp_path / "hints.json"
    hints.write_text(text)
    with pytest.raises(CommandError, match=r"hints\.json"):
        call_command("colorize", str(scans), "--out", str(tmp_path / "out"), "--hints", str(hints))


@pytest.mark.parametrize(
    "wrong", [["--model", "nope"], ["--strength", "3"], ["--render-factor", "99"]]
)
def test_a_wish_that_cannot_be_met_is_refused_before_any_work(
    scans: Path, tmp_path: Path, wrong: list[str]
) -> None:
    with pytest.raises(CommandError):
        call_command("colorize", str(scans), "--out", str(tmp_path / "out"), *wrong)
    assert not (tmp_path / "out").exists()


def test_the_evaluation_prints_grey_first_and_writes_the_contract(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("astronaut", "coffee"):
        Image.fromarray(getattr(data, name)()).save(photos / f"{name}.jpg")
    out, target = io.StringIO(), tmp_path / "report.json"
    call_command("evaluate_models", "--images", str(photos), "--json", str(target), stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[2].startswith("grey")
    assert lines[3].startswith("coloria")
    report = json.loads(target.read_text())
    assert set(report) == {"set", "grey", "truth", "models"}
    assert set(report["models"]["coloria"]) == {
        "weights_sha256", "de00", "de00_minus_grey", "better_than_grey", "colourfulness", "psnr",
        "max_abs_dL", "seconds", "failed",
    }  # fmt: skip
    assert report["models"]["coloria"]["max_abs_dL"] < 0.3


def test_an_evaluation_without_photos_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no photos below"):
        call_command("evaluate_models", "--images", str(tmp_path))


def test_the_recipes_are_listed_without_the_frameworks() -> None:
    out = io.StringIO()
    call_command("train_model", "--list", stdout=out)
    assert "coloria: laptop, smoke" in out.getvalue()
