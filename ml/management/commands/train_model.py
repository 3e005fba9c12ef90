"""Train a model by one of the recipes."""

import dataclasses
import json
import logging
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings as project
from django.core.management.base import BaseCommand, CommandError

from training import memory, recipes
from training.config import PRESETS, REPORTED_RUNS, Config, changes, override, restored
from training.errors import TrainingError


class Command(BaseCommand):
    help = "Train a model on a folder of colour photos; --list shows the recipes and their presets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipe", nargs="?", choices=sorted(PRESETS))
        parser.add_argument("--list", action="store_true", help="show recipes and presets and stop")
        parser.add_argument(
            "--data", type=Path, metavar="DIR", help="photos, in any tree of folders"
        )
        parser.add_argument("--preset", metavar="NAME", help="default: the first of the recipe")
        parser.add_argument(
            "--out", type=Path, metavar="DIR", help="default: var/runs/RECIPE-PRESET"
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="go on from the last checkpoint in --out with the run's own settings; --set "
            "changes them. Begins the run if there is none yet",
        )
        parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
        parser.add_argument(
            "--set",
            nargs="+",
            action="extend",
            default=[],
            metavar="KEY=VALUE",
            help="change settings of the preset",
        )
        parser.add_argument("--dry-run", action="store_true", help="print the settings and stop")
        parser.add_argument(
            "--smoke", action="store_true", help="the preset that runs through in under a minute"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self.show()
            return
        recipe = options["recipe"]
        if recipe is None:
            raise CommandError(
                f"which recipe? One of {', '.join(PRESETS)}; --list shows their presets"
            )
        wanted = "smoke" if options["smoke"] else options["preset"]
        preset = wanted or next(iter(PRESETS[recipe]))
        if preset not in PRESETS[recipe]:
            raise CommandError(
                f"{recipe} has no preset {preset!r}; it has {', '.join(PRESETS[recipe])}"
            )
        out = options["out"] or project.VAR / "runs" / f"{recipe}-{preset}"
        config = PRESETS[recipe][preset]
        if options["resume"] and (out / "last.json").exists():
            preset, config = begun(out, recipe, wanted, config)
        try:
            config = override(config, options["set"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["dry_run"]:
            self.stdout.write(
                json.dumps(
                    {"recipe": recipe, "preset": preset, **dataclasses.asdict(config)}, indent=1
                )
            )
            return
        if options["data"] is None:
            raise CommandError("--data DIR is missing: a folder of colour photos")
        self.train(
            recipe, preset, config, options["data"], out, options["resume"], options["device"]
        )

    def show(self) -> None:
        """Every recipe with its presets: in what each differs from the first, the default."""
        for recipe, presets in PRESETS.items():
            self.stdout.write(f"{recipe}: {', '.join(presets)}")
            default = next(iter(presets))
            timed = "reported" if "reported" in presets else default
            for name, preset in presets.items():
                differs = ", ".join(changes(preset, presets[default]))
                said = differs or f"the same figures as {default}"
                if name == default:
                    said = "the default"
                elif name == "smoke":
                    said = "a few steps, to see that all runs"
                if name == timed and recipe in REPORTED_RUNS:
                    said += f" (the report's run took {REPORTED_RUNS[recipe]})"
                self.stdout.write(f"  {name:<9} {said}")

    def train(
        self,
        recipe: str,
        preset: str,
        config: Any,
        data: Path,
        out: Path,
        resume: bool,
        device: str,
    ) -> None:
        logging.getLogger("training").setLevel(logging.INFO)
        if (out / "last.pt").exists() and not resume:
            raise CommandError(
                f"{out} holds a run already; add --resume to go on with it, or name another --out"
            )
        try:
            run = recipes.get(recipe)
        except ImportError as error:
            raise CommandError("training needs torch: install it with `make full`") from error
        memory.keep()
        try:
            weights = run(data, out, project.VAR / "cache", config, preset, resume, device)
        except (TrainingError, FileNotFoundError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"finished: {weights}")


def begun(out: Path, recipe: str, wanted: str | None, config: Config) -> tuple[str, Config]:
    """Preset and settings of the run in `out`. Raises CommandError if it is another run than the
    one meant.
    """
    held = json.loads((out / "last.json").read_text(encoding="utf-8"))
    preset = held["preset"]
    if held["recipe"] != recipe or wanted not in (None, preset):
        raise CommandError(
            f"{out} holds a run of {held['recipe']} with the preset {preset}; name another --out, "
            "or go on with that one"
        )
    return preset, restored(config, held["config"])
