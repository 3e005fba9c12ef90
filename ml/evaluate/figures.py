"""Figures of one model from its scores on every photo."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

RESAMPLES = 10_000  # of the bootstrap
CHUNKS = 20  # in which they are drawn: 500 times the photos are in memory together

Verdict = Literal["beats grey", "may be chance", "does not beat grey", "failed"]
Scores = dict[
    str, float
]  # of one photo: de00, minus_grey, colourfulness, psnr, max_abs_dL, seconds


def summary(scores: Sequence[Scores], failed: list[dict[str, str]]) -> dict[str, Any]:
    """What the report says of a model, in the layout of `evaluate_models --json`."""
    column = {key: [score[key] for score in scores] for key in (scores[0] if scores else ())}
    differences, seconds = column.get("minus_grey", []), column.get("seconds", [])
    row: dict[str, Any] = {
        "de00": spread(column.get("de00", [])),
        "de00_minus_grey": {"mean": mean(differences), "ci95": bootstrap(differences)},
        "better_than_grey": sum(difference < 0 for difference in differences),
        "colourfulness": mean(column.get("colourfulness", [])),
        "psnr": mean(column.get("psnr", [])),
        "max_abs_dL": max(column.get("max_abs_dL", [0.0])),
        "seconds": {"p50": percentile(seconds, 50), "p95": percentile(seconds, 95)},
        "failed": failed,
    }
    return {**row, "verdict": verdict(row["de00_minus_grey"])}


def verdict(difference: dict[str, Any]) -> Verdict:
    """Whether a model is worth more than leaving the photos grey, from the mean paired difference
    and its interval.
    """
    if difference["mean"] is None:
        return "failed"
    if difference["mean"] >= 0:
        return "does not beat grey"
    return "may be chance" if difference["ci95"][1] >= 0 else "beats grey"


def mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def percentile(values: Sequence[float], rank: float) -> float | None:
    return float(np.percentile(values, rank)) if values else None


def spread(values: Sequence[float]) -> dict[str, float | None]:
    return {"mean": mean(values), **{f"p{rank}": percentile(values, rank) for rank in (10, 50, 90)}}


def bootstrap(differences: Sequence[float]) -> list[float] | None:
    """95 % interval of the mean paired difference, percentile bootstrap with a fixed seed (Efron
    1979).
    """
    if not differences:
        return None
    rng, values = np.random.default_rng(0), np.asarray(differences)
    size = (RESAMPLES // CHUNKS, len(values))
    means = [values[rng.integers(0, len(values), size)].mean(1) for _ in range(CHUNKS)]
    return [float(bound) for bound in np.percentile(np.concatenate(means), (2.5, 97.5))]
