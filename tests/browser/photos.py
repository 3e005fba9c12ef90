"""Photos for the browser tests: scikit-image's `camera` (CC0) as Playwright's file payloads."""

import io
from typing import Any

from PIL import Image
from skimage.data import camera

TURNED = 6  # EXIF orientation: to be shown a quarter turn to the right


def photo(
    name: str, width: int = 401, height: int = 267, turned: bool = False, cut: int | None = None
) -> dict[str, Any]:
    """A grey JPEG of `width` x `height` stored pixels; `cut` keeps only the first bytes."""
    file, exif = io.BytesIO(), Image.Exif()
    if turned:
        exif[0x0112] = TURNED
    Image.fromarray(camera()).resize((width, height)).save(file, "JPEG", exif=exif)
    return {"name": name, "mimeType": "image/jpeg", "buffer": file.getvalue()[:cut]}


def size(path: Any) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size
