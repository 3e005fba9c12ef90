"""Measure models by dE00 on photos whose colour is known, grey first."""

import json
import tempfile
from argparse import ArgumentParser
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings as project
from django.core.management.base import BaseCommand, CommandError
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.evaluate import evaluate, photos
from ml.evaluate.gallery import Gallery
from ml.evaluate.measure import Keep
from ml.evaluate.text import table, write_csv
from ml.management.contenders import contenders
from ml.management.evaluation_page import page
from ml.spec import Settings

CARDS = Path(__file__).parents[2] / "cards"
SHARED = ("set", "grey", "truth")  # what a card tells beside the model's own figures


class Command(BaseCommand):
    help = "Colour photos from their luma alone and compare with the truth (CIEDE2000), grey first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--models",
            default="installed",
            metavar="A,B|installed",
            help="names, or NAME=FILE for a checkpoint in the model's format",
        )
        parser.add_argument("--images", type=Path, required=True, metavar="DIR")
        parser.add_argument("--limit", type=int, metavar="N", help="only the first N photos")
        parser.add_argument("--strength", type=float, default=1.0, metavar="S")
        parser.add_argument(
            "--hints", type=int, default=0, metavar="N", help="reveal N points of the true colour"
        )
        parser.add_argument(
            "--checkpoints", type=Path, metavar="DIR", help="every checkpoint of a run of the model"
        )
        parser.add_argument("--json", type=Path, metavar="FILE")
        parser.add_argument("--csv", type=Path, metavar="FILE", help="one line per photo and model")
        parser.add_argument("--html", type=Path, metavar="FILE", help="one page with everything")
        parser.add_argument("--results", type=Path, metavar="DIR", help="keep the coloured photos")
        parser.add_argument(
            "--cards", action="store_true", help="write the figures to ml/cards/<name>.json"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        check(options)
        rows = contenders(options["models"], options["checkpoints"], Path(project.COLORIA_WEIGHTS))
        try:
            paths = photos(options["images"], options["limit"])
        except FileNotFoundError as error:
            raise CommandError(str(error)) from error
        with ExitStack() as stack:
            gallery = Gallery(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            keepers: list[Keep] = [gallery.keep] if options["html"] else []
            if options["results"]:
                keepers.append(partial(save, options["results"]))
            bar = stack.enter_context(tqdm(total=len(paths) * (1 + len(rows)), unit="photo"))
            settings = Settings(options["strength"])
            report = evaluate(
                rows, paths, settings, options["hints"], bar.update, partial(each, keepers)
            )
            bar.close()
            self.stdout.write(table(report))
            write(report, gallery, options)


def check(options: dict[str, Any]) -> None:
    """Refuse what cannot be meant, before any work. Raises CommandError."""
    if options["hints"] < 0 or not 0 <= options["strength"] <= 2:
        raise CommandError("--hints is 0 or more, --strength 0 to 2")
    if options["limit"] is not None and options["limit"] < 1:
        raise CommandError("--limit is 1 or more")
    unusual = ("hints", "checkpoints", "limit")
    usual = options["strength"] == 1 and not any(options[name] for name in unusual)
    if options["cards"] and not (usual and "=" not in options["models"]):
        raise CommandError(
            "--cards goes with installed models and all photos, at strength 1 and without hints"
        )
    for wish in ("json", "csv", "html"):
        if options[wish] and not options[wish].parent.is_dir():
            raise CommandError(f"there is no folder {options[wish].parent}")


def each(keepers: list[Keep], *shown: Any) -> None:
    for keep in keepers:
        keep(*shown)


def save(
    folder: Path,
    model: str,
    photo: str,
    truth: NDArray[np.uint8],
    grey: NDArray[np.uint8],
    result: NDArray[np.uint8],
) -> None:
    """A result as PNG, by model and photo."""
    path = folder / model.replace("/", "_") / f"{photo}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(result).save(path)


def write(report: dict[str, Any], gallery: Gallery, options: dict[str, Any]) -> None:
    """The files that were asked for."""
    if options["json"]:
        options["json"].write_text(json.dumps(report, indent=1, allow_nan=False))
    if options["csv"]:
        write_csv(report, options["csv"])
    if options["html"]:
        options["html"].write_text(page(report, gallery), encoding="utf-8")
    if options["cards"]:
        write_cards(report)


def write_cards(report: dict[str, Any]) -> None:
    """Put the figures into the models' cards, beside what is written there by hand."""
    for name, row in report["models"].items():
        path = CARDS / f"{name}.json"
        card = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        card["measured"] = {key: report[key] for key in SHARED} | row
        path.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
