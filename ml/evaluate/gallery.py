"""The pictures of a report: kept on disk while it is measured, chosen when it is known."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LONG_SIDE = 384
EACH = 3  # photos of each sort: worst, median, best


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of the gallery: a photo, its figures, its pictures as data URIs."""

    sort: str
    photo: str
    grey_de00: float
    de00: float
    minus_grey: float
    pictures: dict[str, str]  # grey, result, truth


@dataclass(slots=True)
class Gallery:
    """Small JPEGs of everything that was measured, in `folder`."""

    folder: Path
    numbers: dict[str, int] = field(default_factory=dict)

    def keep(
        self,
        model: str,
        photo: str,
        truth: NDArray[np.uint8],
        grey: NDArray[np.uint8],
        result: NDArray[np.uint8],
    ) -> None:
        for kind, rgb in (("truth", truth), ("grey", grey), (f"result of {model}", result)):
            path = self.path(kind, photo)
            if not path.exists():
                small(rgb).save(path, "JPEG", quality=82, optimize=True)

    def path(self, kind: str, photo: str) -> Path:
        """Numbered: names of photos and models may hold anything."""
        pair = (self.numbers.setdefault(name, len(self.numbers)) for name in (kind, photo))
        return self.folder / ("-".join(map(str, pair)) + ".jpg")

    def uri(self, kind: str, photo: str) -> str:
        content = base64.b64encode(self.path(kind, photo).read_bytes()).decode()
        return f"data:image/jpeg;base64,{content}"

    def choices(self, report: dict[str, Any], model: str) -> list[Choice]:
        """The photos on which the model did worst against grey, as usual, and best."""
        return [
            Choice(
                sort,
                photo["photo"],
                photo["grey"],
                photo["models"][model]["de00"],
                photo["models"][model]["minus_grey"],
                {
                    "grey": self.uri("grey", photo["photo"]),
                    "result": self.uri(f"result of {model}", photo["photo"]),
                    "truth": self.uri("truth", photo["photo"]),
                },
            )
            for sort, photo in chosen(report["photos"], model)
        ]


def chosen(photos: list[dict[str, Any]], model: str) -> list[tuple[str, dict[str, Any]]]:
    """Up to three of each sort, worst first, no photo twice."""
    done = [photo for photo in photos if model in photo["models"]]
    ranked = sorted(done, key=lambda photo: (-photo["models"][model]["minus_grey"], photo["photo"]))
    count = min(EACH, len(ranked) // 3) or 1
    middle = (len(ranked) - count) // 2
    picked = {"worst": ranked[:count], "median": ranked[middle : middle + count]}
    picked["best"] = ranked[-count:]
    found, seen = [], set()
    for sort, group in picked.items():
        for photo in group:
            if photo["photo"] not in seen:
                seen.add(photo["photo"])
                found.append((sort, photo))
    return found


def small(rgb: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(rgb)
    image.thumbnail((LONG_SIDE, LONG_SIDE))
    return image
