"""Draws docs/historic.jpg, the bundled model's colours on photographs that are free of rights:

    python docs/historic.py DIR

DIR holds the photos; docs/experiments.md credits them.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml import registry
from ml.images import downscaled, open_photo
from ml.spec import Settings

TARGET = Path(__file__).with_name("historic.jpg")
PHOTOS = (
    "buffalo_bank_1908",
    "lange_migrant_mother",
    "saratoga_broadway_1900-1915",
    "armstrong_gottlieb_1946",
    "detroit_1915",
    "chaplin_the_kid_2",
    "lange_migrant_mother_series",
    "chaplin_dogs_life",
)
COLUMNS, CELL = 4, (320, 260)


def main(folder: Path) -> None:
    model = registry.load("coloria")
    rows = -(-len(PHOTOS) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL[0], rows * CELL[1]))
    for number, name in enumerate(PHOTOS):
        photo = downscaled(open_photo(next(folder.glob(f"{name}.*"))), 640)
        result = Image.fromarray(np.asarray(model.colorize(photo, Settings()).pixels))
        row, column = divmod(number, COLUMNS)
        sheet.paste(ImageOps.fit(result, CELL), (column * CELL[0], row * CELL[1]))
    sheet.save(TARGET, quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
