"""A checkpoint, installed and loaded as in production, in the form that verify.py takes."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml import records, registry
from ml.backends import engines
from ml.backends.conversion import convert
from ml.spec import Colorizer


class Net:
    """Answers tensors or arrays with the array that the colorizer's engine computes."""

    def __init__(self, colorizer: Colorizer) -> None:
        self.colorizer = colorizer

    def __call__(self, x: Tensor, **extra: Tensor) -> NDArray[Any]:
        engine: engines.Engine = self.colorizer.engine  # type: ignore[attr-defined]
        inputs = [x, *extra.values()]
        if getattr(self.colorizer, "hinted", False) and not extra:
            inputs += [torch.zeros(1, channels, *x.shape[2:]) for channels in (2, 1)]
        return engine(*map(np.asarray, inputs))


def installed(name: str, *checkpoints: object) -> Net:
    """The network of checkpoint files, or of what such files hold, converted into a folder and
    loaded from there.
    """
    spec = registry.get(name)
    with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as folder:
        paths = [on_disk(held, Path(source) / f"{n}.pth") for n, held in enumerate(checkpoints)]
        weights = Path(folder) / records.kept_as(spec)
        convert(spec, paths, weights, {})
        records.write(Path(folder), records.describe(weights))
        return Net(registry.load(name, Path(folder), "cpu"))


def on_disk(checkpoint: object, path: Path) -> Path:
    """The file of a checkpoint that came as a path or as what such a file holds."""
    if isinstance(checkpoint, str | Path):
        return Path(checkpoint)
    torch.save(checkpoint, path)
    return path
