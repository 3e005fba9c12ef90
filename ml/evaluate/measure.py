"""Models over photos: every photo through every model, and what came of it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.color import colourfulness, delta_e00, lab_from_rgb
from ml.compose import luma
from ml.errors import ColorizeError, OutOfMemory
from ml.evaluate.figures import Scores, mean, spread, summary
from ml.evaluate.photos import LONG_SIDE, names, read, revealed, set_hash, three
from ml.images import Photograph
from ml.memory import ran_out
from ml.spec import Colorizer, Settings

logger = logging.getLogger(__name__)

# Called with model, photo, truth, grey and result (H, W, 3) for every result.
Keep = Callable[[str, str, NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]], object]


@dataclass(frozen=True, slots=True)
class Contender:
    """One row of the report. Loaded when its turn comes and let go after it: two large networks
    need not fit into memory together.
    """

    load: Callable[[], Colorizer]
    model: str  # name in the registry
    weights_sha256: str = ""
    reads_hints: bool = False
    step: int | None = None  # of the training, where it is a checkpoint


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a photo before any model: name, dE00 left grey, its own colourfulness."""

    path: Path
    name: str
    grey: float
    colourfulness: float


def evaluate(
    contenders: dict[str, Contender],
    paths: list[Path],
    settings: Settings,
    hints: int = 0,
    progress: Callable[[int], object] = lambda more: None,
    keep: Keep = lambda *shown: None,
) -> dict[str, Any]:
    """Every model over the photos; the result has the layout of `evaluate_models --json`.

    `hints` points of the true colour are revealed to models that read hints.
    """
    started, worked = time.perf_counter(), time.process_time()
    known, damaged = baseline(paths)
    progress(len(paths))
    rows, models = {}, {}
    for name, contender in contenders.items():
        told = hints if contender.reads_hints else 0
        painter = Painter(name, settings, told, keep)
        rows[name], failed = painter.over(contender, known, progress)
        models[name] = {
            "model": contender.model,
            "weights_sha256": contender.weights_sha256,
            "step": contender.step,
            "hints": told,
            **summary(list(rows[name].values()), [*damaged, *failed]),
        }
        progress(len(damaged))
    return {
        "set": {"images": len(paths), "sha256": set_hash(paths), "long_side": LONG_SIDE},
        "settings": {"strength": settings.strength, "hints": hints},
        "grey": {
            "de00": spread([photo.grey for photo in known]),
            "colourfulness": spread([0.0 for _ in known]),
        },
        "truth": {"colourfulness": mean([photo.colourfulness for photo in known])},
        "models": models,
        "photos": [per_photo(photo, rows) for photo in known],
        "seconds": {
            "wall": time.perf_counter() - started,
            "processor": time.process_time() - worked,
        },
    }


def baseline(paths: list[Path]) -> tuple[list[Known], list[dict[str, str]]]:
    """The photos left grey, and those that cannot be opened."""
    known, damaged = [], []
    for path, name in zip(paths, names(paths), strict=True):
        try:
            truth = read(path)
        except ColorizeError as error:
            damaged.append({"photo": name, "code": error.code})
            continue
        lab = lab_from_rgb(truth.rgb)
        grey = mean_de00(lab_from_rgb(three(truth.grey.pixels)), lab)
        known.append(Known(path, name, grey, colourfulness(truth.rgb)))
    return known, damaged


@dataclass(frozen=True, slots=True)
class Painter:
    """One model at work on the photos."""

    name: str
    settings: Settings
    hints: int
    keep: Keep

    def over(
        self, contender: Contender, known: list[Known], progress: Callable[[int], object]
    ) -> tuple[dict[str, Scores], list[dict[str, str]]]:
        """Scores by photo, and the photos that failed; a failure costs nothing else."""
        try:
            colorizer = contender.load()
        except ColorizeError as error:
            logger.warning("%s could not be loaded: %s", self.name, error.reason or error)
            progress(len(known))
            return {}, [{"photo": photo.name, "code": error.code} for photo in known]
        scores, failed = {}, []
        for photo in known:
            try:
                scores[photo.name] = self.measure(colorizer, photo)
            except ColorizeError as error:
                failed.append({"photo": photo.name, "code": error.code})
            except (MemoryError, RuntimeError) as error:
                if not ran_out(error):
                    raise
                failed.append({"photo": photo.name, "code": OutOfMemory.code})
            progress(1)
        return scores, failed

    def measure(self, colorizer: Colorizer, photo: Known) -> Scores:
        truth = read(photo.path)
        settings = replace(self.settings, hints=revealed(photo.path, self.hints))
        started = time.perf_counter()
        result = colorizer.colorize(truth.grey, settings)
        seconds = time.perf_counter() - started
        painted = three(result.pixels)
        self.keep(self.name, photo.name, truth.rgb, three(truth.grey.pixels), painted)
        return {**compare(painted, truth.rgb, truth.grey, photo.grey), "seconds": seconds}


def compare(
    painted: NDArray[np.uint8], truth: NDArray[np.uint8], grey: Photograph, de00_of_grey: float
) -> Scores:
    """One result (H, W, 3) against the truth and against the grey photo it was made from."""
    lab = lab_from_rgb(painted)
    de00 = mean_de00(lab, lab_from_rgb(truth))
    squares = float(np.mean(np.square(painted.astype(np.float32) - truth), dtype=np.float64))
    return {
        "de00": de00,
        "minus_grey": de00 - de00_of_grey,
        "colourfulness": colourfulness(painted),
        "psnr": float(10 * np.log10(255**2 / max(squares, 1e-6))),
        "max_abs_dL": float(np.abs(lab[..., 0] - luma(grey.pixels)).max()),
    }


def per_photo(photo: Known, rows: dict[str, dict[str, Scores]]) -> dict[str, Any]:
    """What the report says of one photo."""
    return {
        "photo": photo.name,
        "grey": photo.grey,
        "colourfulness": photo.colourfulness,
        "models": {
            name: scores[photo.name] for name, scores in rows.items() if photo.name in scores
        },
    }


def mean_de00(lab1: NDArray[np.float32], lab2: NDArray[np.float32]) -> float:
    return float(delta_e00(lab1, lab2).mean(dtype=np.float64))
