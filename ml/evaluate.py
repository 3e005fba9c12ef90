"""How well models colour: dE00 against grey on photos whose colour is known.

Photos are reduced to a long side of 512 px, turned grey by their own luma, coloured, and compared
with the reduced original: CIEDE2000 between 8-bit sRGB images, mean over pixels, then over photos.
Grey is always the first row.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.color import colourfulness, delta_e00, lab_from_rgb
from ml.compose import encode, luminance
from ml.errors import ColorizeError
from ml.images import Photograph, downscaled, open_photo
from ml.spec import Colorizer, Settings

LONG_SIDE = 512
RESAMPLES = 10_000  # of the bootstrap
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}


@dataclass(slots=True)
class Scores:
    """One model over the set; lists run over the photos that did not fail."""

    de00: list[float] = field(default_factory=list)
    minus_grey: list[float] = field(default_factory=list)
    colourfulness: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    max_abs_dl: float = 0.0
    seconds: list[float] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)


def photos(folder: Path, limit: int | None = None) -> list[Path]:
    """The photos below `folder` by name. Raises FileNotFoundError if there is none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)[:limit]
    if not found:
        raise FileNotFoundError(f"no photos below {folder}")
    return found


def set_hash(paths: Iterable[Path]) -> str:
    """sha256 over the photos' own hashes, in order: equal for equal sets wherever they lie."""
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def grey_of(truth: Photograph) -> Photograph:
    """The photo's own luma as 8-bit grey: all that a model gets to see."""
    return replace(truth, pixels=encode(luminance(truth.pixels), np.dtype(np.uint8)))


def evaluate(
    models: dict[str, Colorizer],
    paths: list[Path],
    settings: Settings,
    progress: Callable[[int], object] = lambda more: None,
) -> dict[str, Any]:
    """Every model over the photos; the result has the layout of `evaluate_models --json`."""
    grey, truths = Scores(), []
    scores = {name: Scores() for name in models}
    for path in paths:
        try:
            truth = downscaled(open_photo(path), LONG_SIDE)
        except ColorizeError as error:
            for score in scores.values():
                score.failed.append({"photo": path.name, "code": error.code})
            progress(1)
            continue
        rgb = three(truth.pixels)
        lab = lab_from_rgb(rgb)
        photo = grey_of(truth)
        baseline = three(photo.pixels)
        truths.append(colourfulness(rgb))
        grey.de00.append(mean_de00(lab_from_rgb(baseline), lab))
        grey.colourfulness.append(colourfulness(baseline))
        for name, model in models.items():
            measure(scores[name], model, photo, settings, path.name, rgb, lab, grey.de00[-1])
        progress(1)
    return {
        "set": {"images": len(paths), "sha256": set_hash(paths), "long_side": LONG_SIDE},
        "grey": {"de00": spread(grey.de00), "colourfulness": spread(grey.colourfulness)},
        "truth": {"colourfulness": mean(truths)},
        "models": {name: summary(score) for name, score in scores.items()},
    }


def measure(
    scores: Scores,
    model: Colorizer,
    photo: Photograph,
    settings: Settings,
    name: str,
    truth: NDArray[np.uint8],
    lab: NDArray[np.float32],
    grey: float,
) -> None:
    """Colour one photo and add its figures; a failure is recorded and costs nothing else."""
    started = time.perf_counter()
    try:
        result = model.colorize(photo, settings)
    except ColorizeError as error:
        scores.failed.append({"photo": name, "code": error.code})
        return
    scores.seconds.append(time.perf_counter() - started)
    painted = three(result.pixels)
    painted_lab = lab_from_rgb(painted)
    scores.de00.append(mean_de00(painted_lab, lab))
    scores.minus_grey.append(scores.de00[-1] - grey)
    scores.colourfulness.append(colourfulness(painted))
    squares = float(np.mean((painted.astype(np.float64) - truth) ** 2))
    scores.psnr.append(float(10 * np.log10(255**2 / max(squares, 1e-6))))
    luma = lab_from_rgb(three(photo.pixels))[..., 0]
    scores.max_abs_dl = max(scores.max_abs_dl, float(np.abs(painted_lab[..., 0] - luma).max()))


def summary(scores: Scores) -> dict[str, Any]:
    return {
        "de00": spread(scores.de00),
        "de00_minus_grey": {"mean": mean(scores.minus_grey), "ci95": bootstrap(scores.minus_grey)},
        "better_than_grey": sum(difference < 0 for difference in scores.minus_grey),
        "colourfulness": mean(scores.colourfulness),
        "psnr": mean(scores.psnr),
        "max_abs_dL": scores.max_abs_dl,
        "seconds": {"p50": percentile(scores.seconds, 50), "p95": percentile(scores.seconds, 95)},
        "failed": scores.failed,
    }


def mean_de00(lab1: NDArray[np.float32], lab2: NDArray[np.float32]) -> float:
    return float(delta_e00(lab1, lab2).mean(dtype=np.float64))


def three(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey (H, W) as RGB (H, W, 3); RGB as it is."""
    return np.repeat(pixels[..., None], 3, -1) if pixels.ndim == 2 else pixels


def mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def percentile(values: list[float], rank: float) -> float | None:
    return float(np.percentile(values, rank)) if values else None


def spread(values: list[float]) -> dict[str, float | None]:
    return {"mean": mean(values), **{f"p{rank}": percentile(values, rank) for rank in (10, 50, 90)}}


def bootstrap(differences: list[float]) -> list[float] | None:
    """95 % interval of the mean paired difference, percentile bootstrap with a fixed seed (Efron
    1979).
    """
    if not differences:
        return None
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(differences), (RESAMPLES, len(differences)))
    means = np.asarray(differences)[picks].mean(1)
    return [float(bound) for bound in np.percentile(means, (2.5, 97.5))]
