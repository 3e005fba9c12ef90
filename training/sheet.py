"""What a network makes of a few photos: figures beside grey's, and a sheet to look at (S121)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ml.color import (
    Array,
    colourfulness,
    delta_e00,
    lab_from_rgb,
    linear_from_lab,
    srgb_from_linear,
)
from training import checkpoint
from training.data import Pixels


def on_luma(colours: Array, truth: Pixels) -> Pixels:
    """The colours (H, W, 3), 0..1, on the true lightness, as the site composes them."""
    lab = lab_from_rgb(truth)
    whole = np.nan_to_num(colours)  # a run that fails is shown until its loss says so
    lab[..., 1:] = lab_from_rgb(np.clip(whole, 0, 1))[..., 1:]
    return np.asarray((srgb_from_linear(linear_from_lab(lab)) * 255).round(), np.uint8)


def figures(truths: Sequence[Pixels], results: Sequence[Pixels]) -> dict[str, float]:
    """Mean CIEDE2000 (S115) of the results and of grey, and the share of the truth's
    colourfulness.
    """
    scores, greys = [], []
    for truth, result in zip(truths, results, strict=True):
        lab = lab_from_rgb(truth)
        scores.append(float(delta_e00(lab_from_rgb(result), lab).mean()))
        greys.append(float(delta_e00(lab * np.array([1, 0, 0], np.float32), lab).mean()))
    truly = float(np.mean([colourfulness(truth) for truth in truths]))
    return {
        "de00": float(np.mean(scores)),
        "grey": float(np.mean(greys)),
        "better": float(np.mean(np.array(scores) < np.array(greys))),
        "colourfulness": float(np.mean([colourfulness(result) for result in results])) / truly
        if truly
        else 0.0,
    }


def sheet(truths: Sequence[Pixels], results: Sequence[Pixels], across: int = 8) -> Pixels:
    """Truth above result, `across` photos in a row; all of one size."""
    pairs = [np.concatenate(pair) for pair in zip(truths, results, strict=True)]
    blank = np.full_like(pairs[0], 255)
    across = min(across, len(pairs))
    pairs += [blank] * (-len(pairs) % across)
    rows = [np.concatenate(pairs[i : i + across], 1) for i in range(0, len(pairs), across)]
    return np.concatenate(rows)


def keep(picture: Pixels, path: Path) -> Tensor:
    """Write the sheet as PNG and return it as TensorBoard takes it: (3, H, W), 0..1."""
    path.parent.mkdir(exist_ok=True)
    checkpoint.write_atomic(path, lambda part: Image.fromarray(picture).save(part, "PNG"))
    return torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32) / 255)
