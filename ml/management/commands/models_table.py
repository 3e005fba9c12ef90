"""The README's table of models, from the registry and the measured cards."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ml import registry
from ml.spec import ModelSpec

BEGIN, END = "<!-- models:begin -->", "<!-- models:end -->"
CARDS = Path(__file__).parents[2] / "cards"
UNKNOWN = "not measured"


class Command(BaseCommand):
    help = "Print the table of models with their measured figures; --write puts it into the README."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--write", action="store_true", help="refresh README.md")
        what.add_argument("--check", action="store_true", help="fail if README.md is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        readme = Path(settings.BASE_DIR) / "README.md"
        printed = table()
        if not (options["write"] or options["check"]):
            self.stdout.write(printed)
            return
        before = readme.read_text(encoding="utf-8")
        after = refreshed(before, printed)
        if options["write"]:
            readme.write_text(after, encoding="utf-8")
        elif before != after:
            raise CommandError("README.md is old: run python manage.py models_table --write")


def refreshed(text: str, printed: str) -> str:
    """`text` with `printed` between the markers. Raises CommandError without exactly one pair."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise CommandError(f"README.md needs one {BEGIN} and one {END}")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{printed}\n{END}{tail}"


def table() -> str:
    """Markdown: one row per model of the registry, and what the figures mean."""
    cards = {name: measured(name) for name in registry.MODELS}
    lines = [
        "| Model | Made by | Licence | dE00 (grey) | Better than grey | Colourfulness | s/photo |",
        "|---|---|---|---|---|---|---|",
        *(row(spec, cards[name]) for name, spec in registry.MODELS.items()),
    ]
    sets = {card["set"]["sha256"]: card["set"] for card in cards.values() if card}
    if len(sets) > 1:
        raise CommandError(
            "the cards were measured on different photos: run evaluate_models --cards for all"
        )
    for images, side in ((told["images"], told["long_side"]) for told in sets.values()):
        lines += [
            "",
            f"Measured on {images} photos of at most {side} px by `manage.py evaluate_models`.",
            "dE00 is the mean CIEDE2000 distance from the true colours, lower is better; in",
            "brackets that of the uncoloured photo. Colourfulness (Hasler and Süsstrunk) is a",
            "share of the true photo's.",
        ]
    return "\n".join(lines)


def measured(name: str) -> dict[str, Any] | None:
    """What the evaluation wrote into the model's card, or None before the first measurement."""
    path = CARDS / f"{name}.json"
    if not path.exists():
        return None
    figures: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")).get("measured")
    return figures


def row(spec: ModelSpec, card: dict[str, Any] | None) -> str:
    about = [f"{spec.title} (`{spec.name}`)", spec.weights.publisher, spec.weights.licence]
    figures = [UNKNOWN, "", "", ""] if card is None else numbers(card)
    return "| " + " | ".join(about + figures) + " |"


def numbers(card: dict[str, Any]) -> list[str]:
    if card["seconds"]["p50"] is None:
        return ["every photo failed", "", "", ""]
    truth = card["truth"]["colourfulness"]
    return [
        f"{card['de00']['mean']:.2f} ({card['grey']['de00']['mean']:.2f})",
        f"{card['better_than_grey']} of {card['set']['images'] - len(card['failed'])}",
        f"{card['colourfulness'] / truth:.0%}" if truth else "",
        f"{card['seconds']['p50']:.2f}",
    ]
