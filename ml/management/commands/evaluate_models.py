"""Measure installed models by dE00 on photos whose colour is known, grey first."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings as project
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ml import registry
from ml.errors import ColorizeError
from ml.evaluate import evaluate, photos
from ml.spec import Settings


class Command(BaseCommand):
    help = "Colour photos from their luma alone and compare with the truth (CIEDE2000), grey first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--models", default="installed", metavar="A,B|installed")
        parser.add_argument("--images", type=Path, required=True, metavar="DIR")
        parser.add_argument("--limit", type=int, metavar="N")
        parser.add_argument("--strength", type=float, default=1.0, metavar="S")
        parser.add_argument("--json", type=Path, metavar="FILE")
        parser.add_argument(
            "--cards", action="store_true", help="write the figures to ml/cards/<name>.json"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(project.COLORIA_WEIGHTS)
        wanted = options["models"]
        names = (
            [spec.name for spec in registry.installed(folder)]
            if wanted == "installed"
            else wanted.split(",")
        )
        try:
            models = {name: registry.load(name, folder=folder) for name in names}
            paths = photos(options["images"], options["limit"])
        except ColorizeError as error:
            raise CommandError(f"{error} {error.reason}") from error
        except FileNotFoundError as error:
            raise CommandError(str(error)) from error
        with tqdm(total=len(paths), unit="photo") as bar:
            report = evaluate(models, paths, Settings(options["strength"]), bar.update)
        for name in models:
            report["models"][name]["weights_sha256"] = registry.get(name).weights.sha256
        self.stdout.write(table(report))
        if options["json"]:
            options["json"].write_text(json.dumps(report, indent=1))
        if options["cards"]:
            write_cards(report)


def table(report: dict[str, Any]) -> str:
    """The figures as text: one line per model below grey's."""
    lines = [
        f"{report['set']['images']} photos, long side {report['set']['long_side']}, "
        f"set {report['set']['sha256'][:12]}, "
        f"colourfulness of the truth {report['truth']['colourfulness']:.1f}",
        f"{'model':<18}{'dE00':>7}{'p10':>7}{'p50':>7}{'p90':>7}{'- grey':>8}{'95 % interval':>17}"
        f"{'better':>8}{'colour':>8}{'PSNR':>7}{'max dL':>8}{'s/photo':>9}",
        f"{'grey':<18}" + "".join(f"{value:7.2f}" for value in report["grey"]["de00"].values()),
    ]
    for name, row in report["models"].items():
        if not row["seconds"]["p50"]:
            lines.append(f"{name:<18} every photo failed")
            continue
        low, high = row["de00_minus_grey"]["ci95"]
        interval = f"{low:.2f} .. {high:.2f}"
        colour = row["colourfulness"] / report["truth"]["colourfulness"]
        lines.append(
            f"{name:<18}"
            + "".join(f"{value:7.2f}" for value in row["de00"].values())
            + f"{row['de00_minus_grey']['mean']:8.2f}{interval:>17}{row['better_than_grey']:8d}"
            + f"{colour:8.0%}{row['psnr']:7.2f}{row['max_abs_dL']:8.3f}"
            + f"{row['seconds']['p50']:9.3f}"
        )
        if row["de00_minus_grey"]["mean"] >= 0:
            lines.append(f"{'':<18}^ does not beat leaving the photo grey")
    return "\n".join(lines)


def write_cards(report: dict[str, Any]) -> None:
    """Put the figures into the models' cards, beside what is written there by hand."""
    cards = Path(__file__).parents[2] / "cards"
    for name, row in report["models"].items():
        path = cards / f"{name}.json"
        card = json.loads(path.read_text()) if path.exists() else {}
        card["measured"] = {key: report[key] for key in ("set", "grey", "truth")} | row
        path.write_text(json.dumps(card, indent=2) + "\n")
