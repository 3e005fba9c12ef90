"""What `train_model --list` and `--dry-run` tell of the presets."""

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from training.config import PRESETS, changes, override, restored


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


@pytest.mark.parametrize("recipe", ["bigcolor", "cnn", "coloria"])
def test_what_the_list_says_can_be_set(recipe: str) -> None:
    default, *others = PRESETS[recipe].values()
    for preset in others:
        assert override(default, changes(preset, default)) == preset


def dry_run(*options: str) -> dict[str, Any]:
    printed = io.StringIO()
    call_command("train_model", *options, "--dry-run", stdout=printed)
    told: dict[str, Any] = json.loads(printed.getvalue())
    return told


def test_settings_may_be_given_one_by_one() -> None:
    told = dry_run("coloria", "--set", "steps=7", "batch=2", "--set", "lr=0.5")
    assert (told["steps"], told["batch"], told["lr"]) == (7, 2, 0.5)


@pytest.mark.parametrize("recipe", list(PRESETS))
def test_a_resumed_run_has_the_settings_that_it_began_with(recipe: str, tmp_path: Path) -> None:
    """S099: unless --set says otherwise."""
    name, begun = list(PRESETS[recipe].items())[-1]
    begun = override(begun, ["seed=7"])
    record = {"recipe": recipe, "preset": name, "config": dataclasses.asdict(begun)}
    (tmp_path / "last.json").write_text(json.dumps(record))
    assert (
        restored(next(iter(PRESETS[recipe].values())), json.loads(json.dumps(record))["config"])
        == begun
    )
    go_on = (recipe, "--resume", "--out", str(tmp_path))
    told = dry_run(*go_on, "--set", "min_chroma=3")
    assert (told["preset"], told["seed"], told["min_chroma"]) == (name, 7, 3)
    others = [preset for preset in PRESETS[recipe] if preset != name]
    with pytest.raises(CommandError, match=f"holds a run of {recipe} with the preset {name}"):
        dry_run(*go_on, "--preset", others[0])
    with pytest.raises(CommandError, match="holds a run"):
        dry_run("cnn" if recipe != "cnn" else "stable", "--resume", "--out", str(tmp_path))


@pytest.mark.parametrize("recipe", list(PRESETS))
def test_a_dry_run_prints_every_setting_of_every_preset(recipe: str) -> None:
    for preset in PRESETS[recipe]:
        told = dry_run(recipe, "--preset", preset)
        assert (told.pop("recipe"), told.pop("preset")) == (recipe, preset)
        assert told.keys() == set(type(PRESETS[recipe][preset]).__dataclass_fields__)
