"""What `train_model --list` and `--dry-run` tell of the presets."""

import io
import json

import pytest
from django.core.management import call_command

from training.config import PRESETS, changes, override


def listed() -> list[str]:
    told = io.StringIO()
    call_command("train_model", "--list", stdout=told)
    return [line.strip() for line in told.getvalue().splitlines()]


def test_the_list_shows_every_preset_of_every_recipe() -> None:
    lines = listed()
    for recipe, presets in PRESETS.items():
        start = lines.index(f"{recipe}: {', '.join(presets)}") + 1
        assert [line.split()[0] for line in lines[start : start + len(presets)]] == list(presets)


def test_the_list_says_in_what_a_preset_differs() -> None:
    lines = listed()
    assert "upstream  num_epoch=20, size_batch=60, use_enhance=True, coef_enhance=1.2" in lines
    assert "upstream  the same figures as report" in lines
    assert any("generator-256.batch=8" in line for line in lines)


def test_the_list_says_how_long_the_reports_runs_took() -> None:
    """S127, S128: beside the preset that was run."""
    assert [line for line in listed() if "the report's run took" in line] == [
        "reported  num_layer=8, num_epoch=8, size_batch=17 "
        "(the report's run took 10 days, 30 h per epoch)",
        "reported  size=128, epochs=60, batch=30 (the report's run took 2 days)",
        "report    the default (the report's run took 13 h 34 min)",
        "reported  skip=generator-128 (the report's run took 3 days 1 h 53 min)",
    ]


@pytest.mark.parametrize("recipe", ["bigcolor", "cnn"])
def test_what_the_list_says_can_be_set(recipe: str) -> None:
    default, *others = PRESETS[recipe].values()
    for preset in others:
        assert override(default, changes(preset, default)) == preset


@pytest.mark.parametrize("recipe", list(PRESETS))
def test_a_dry_run_prints_every_setting_of_every_preset(recipe: str) -> None:
    for preset in PRESETS[recipe]:
        printed = io.StringIO()
        call_command("train_model", recipe, "--preset", preset, "--dry-run", stdout=printed)
        told = json.loads(printed.getvalue())
        assert (told.pop("recipe"), told.pop("preset")) == (recipe, preset)
        assert told.keys() == set(type(PRESETS[recipe][preset]).__dataclass_fields__)
