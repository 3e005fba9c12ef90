"""`manage.py colorize`, without a server."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from ml.images import Photograph
from ml.management.commands import colorize as command
from ml.spec import Settings
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
    hints.write_text('[{"x": 0.1, "y": 0.1, "rgb": [220, 120, 60]}]')
    colorize(scans / "one.jpg", "--out", tmp_path / "plain")
    colorize(scans / "one.jpg", "--out", tmp_path / "hinted", "--hints", hints)
    pictures = (
        np.asarray(Image.open(tmp_path / name / "one_coloria.jpg")) for name in ("plain", "hinted")
    )
    plain, hinted = (picture[30:70, 30:70].astype(int).mean((0, 1)) for picture in pictures)
    assert hinted[0] - hinted[2] > plain[0] - plain[2] + 20


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


def test_lost_memory_costs_one_photo(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hungry:
        def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
            if photo.size[0] > 30:
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
            return photo

    monkeypatch.setattr(command.registry, "load", lambda name, folder, device: Hungry())
    Image.linear_gradient("L").resize((31, 20)).save(scans / "large.jpg")
    Image.linear_gradient("L").resize((30, 20)).save(scans / "small.jpg")
    with pytest.raises(CommandError):
        colorize(scans / "large.jpg", scans / "small.jpg", "--out", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["small_coloria.jpg"]


@pytest.mark.parametrize("label", ["0", "999", "151", "Chihuahua"])
def test_the_class_and_the_candidates_reach_the_model(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str
) -> None:
    class Grey:
        def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
            wished.append(settings)
            return photo

    wished: list[Settings] = []
    monkeypatch.setattr(command.registry, "load", lambda name, folder, device: Grey())
    colorize(scans / "one.jpg", "--out", tmp_path, "--label", label, "--candidates", 5, "--seed", 9)
    number = 151 if label == "Chihuahua" else int(label)
    assert wished == [Settings(label=number, candidates=5, seed=9)]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--model", "nope"],
        ["--strength", "3"],
        ["--render-factor", "99"],
        ["--label", "1000"],
        ["--label", "-1"],
        ["--label", "no such thing"],
        ["--candidates", "0"],
        ["--candidates", "6"],
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_before_any_work(
    scans: Path, tmp_path: Path, wrong: list[str]
) -> None:
    with pytest.raises(CommandError):
        call_command("colorize", str(scans), "--out", str(tmp_path / "out"), *wrong)
    assert not (tmp_path / "out").exists()


def test_the_recipes_are_listed_without_the_frameworks() -> None:
    out = io.StringIO()
    call_command("train_model", "--list", stdout=out)
    assert "coloria: laptop, larger, taught, taught-decoder, smoke" in out.getvalue()
