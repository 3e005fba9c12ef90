"""The example pictures of the landing page and of the model's card, from photos that scikit-image
ships.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings as project
from django.core.management.base import BaseCommand
from PIL import Image
from skimage import data

from ml import registry
from ml.evaluate import grey_of
from ml.images import Photograph, save_photo
from ml.spec import Settings

EXAMPLES = ("camera", "astronaut", "rocket")  # sliders on the landing page: before and after
FAILURES = ("chelsea", "coffee")  # on the model's page: truth beside result


class Command(BaseCommand):
    help = (
        "Colour the free example photos with the bundled model and write them to static/examples."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--out",
            type=Path,
            default=Path(project.BASE_DIR) / "static" / "examples",
            metavar="DIR",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        model, out = registry.load(registry.DEFAULT), options["out"]
        out.mkdir(parents=True, exist_ok=True)
        for slug in (*EXAMPLES, *FAILURES):
            truth = Photograph(np.asarray(getattr(data, slug)()), format="JPEG")
            before = truth if truth.pixels.ndim == 2 else grey_of(truth)
            after = model.colorize(before, Settings())
            if slug in EXAMPLES:
                save_photo(before, out / f"{slug}-before.jpg")
                save_photo(after, out / f"{slug}-after.jpg")
            else:
                beside = np.concatenate([truth.pixels, after.pixels], axis=1)
                save_photo(Photograph(beside, format="JPEG"), out / f"{slug}-truth-and-result.jpg")
            self.stdout.write(slug)
        for path in sorted(out.glob("*.jpg")):
            with Image.open(path) as image:
                self.stdout.write(
                    f"{path.name} {image.width}x{image.height} {path.stat().st_size // 1000} kB"
                )
