"""A small folder of free photos (scikit-image's own) for training tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "more").mkdir()
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        image = Image.fromarray(getattr(data, name)())
        for part in range(3):
            left = part * 60
            target = folder / ("more" if part else ".") / f"{name}{part}.jpg"
            image.crop((left, 0, left + 200, 200)).save(target, quality=90)
    Image.fromarray(np.repeat(data.camera()[..., None], 3, -1)).save(folder / "grey.png")
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is not a photo")
    return folder
