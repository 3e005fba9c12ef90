"""`manage.py models_table`: the README shows measured figures or says that there are none."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from ml.management.commands import models_table

MEASURED: dict[str, Any] = {
    "set": {"images": 100, "sha256": "0" * 64, "long_side": 512},
    "grey": {"de00": {"mean": 11.254}},
    "truth": {"colourfulness": 40.0},
    "de00": {"mean": 10.148},
    "better_than_grey": 71,
    "failed": [],
    "colourfulness": 21.0,
    "seconds": {"p50": 0.052, "p95": 0.07},
}


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(models_table, "CARDS", tmp_path)
    return tmp_path


def test_it_shows_a_models_measured_figures(cards: Path) -> None:
    (cards / "coloria.json").write_text(json.dumps({"measured": MEASURED}))
    printed = models_table.table()
    assert "| 10.15 (11.25) | 71 of 100 | 52% | 0.05 |" in printed
    assert "Measured on 100 photos of at most 512 px" in printed


@pytest.mark.parametrize("card", [None, {}, {"notes": "written by hand"}])
def test_it_says_that_a_model_was_not_measured(cards: Path, card: dict[str, str] | None) -> None:
    if card is not None:
        (cards / "coloria.json").write_text(json.dumps(card))
    printed = models_table.table()
    assert "not measured" in printed
    assert "Measured on" not in printed


def test_it_says_that_every_photo_failed(cards: Path) -> None:
    figures = MEASURED | {"seconds": {"p50": None, "p95": None}, "colourfulness": None}
    (cards / "coloria.json").write_text(json.dumps({"measured": figures}))
    assert "every photo failed" in models_table.table()


def test_figures_of_different_photos_do_not_share_a_table(cards: Path) -> None:
    other = MEASURED | {"set": MEASURED["set"] | {"sha256": "1" * 64}}
    (cards / "coloria.json").write_text(json.dumps({"measured": MEASURED}))
    (cards / "cnn.json").write_text(json.dumps({"measured": other}))
    with pytest.raises(CommandError, match="different photos"):
        models_table.table()


def test_it_replaces_only_what_stands_between_the_markers() -> None:
    before = f"head\n{models_table.BEGIN}\nold\n{models_table.END}\ntail\n"
    after = models_table.refreshed(before, "new")
    assert after == f"head\n{models_table.BEGIN}\nnew\n{models_table.END}\ntail\n"
    assert models_table.refreshed(after, "new") == after


def test_it_refuses_a_readme_without_markers() -> None:
    with pytest.raises(CommandError, match="needs one"):
        models_table.refreshed("no markers", "new")
