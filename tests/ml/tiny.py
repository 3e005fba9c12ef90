"""A family whose network has six numbers, and its files. Tests only."""

import pickle
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ml.backends import engines
from ml.backends.checkpoints import fill, read, refusal, tensors
from ml.images import Photograph
from ml.spec import ModelSpec, Settings, Weights

SPEC = ModelSpec(
    name="tiny",
    title="Tiny",
    family="tiny",
    backend="tests.ml.tiny:load",
    network="tests.ml.tiny:network",
    weights=Weights("tiny.pth", "", "MIT", "Nobody"),
    more=Weights("tiny_average.pth", "", "MIT", "Nobody"),
    size=8,
)


def network(paths: Sequence[Path], title: str) -> nn.Module:
    """Like BigColor's reader: raw weights, and an average that may come with them."""
    path, *average = paths
    state = tensors(read(path, title), path, title)
    if average:
        held = read(average[0], title)
        if not isinstance(held, dict) or "shadow_params" not in held:
            raise refusal(title, average[0], "holds no averaged weights")
        state |= dict(zip(state, held["shadow_params"], strict=True))
    with torch.device("meta"):
        net = nn.Linear(2, 2)
    return fill(net, state, path, title)


class Grey:
    """Leaves every photo as it is."""

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        return photo


def load(spec: ModelSpec, path: Path, device: str) -> Grey:
    engines.network(spec, path)
    return Grey()


def raw(path: Path, value: float = 1.0, **more: torch.Tensor) -> Path:
    torch.save({"weight": torch.full((2, 2), value), "bias": torch.zeros(2)} | more, path)
    return path


def average(path: Path, value: float = 2.0) -> Path:
    torch.save({"shadow_params": [torch.full((2, 2), value), torch.zeros(2)]}, path)
    return path


class Evil:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (f"touch {self.trace}",)


def evil(path: Path) -> Path:
    """A checkpoint that leaves a file `ran` beside it when unpickled without care."""
    torch.save({"weight": Evil(path.with_name("ran"))}, path)
    return path


def evil_pickle(path: Path) -> Path:
    path.write_bytes(pickle.dumps(Evil(path.with_name("ran"))))
    return path


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(raw(path), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/9", bytes(50_000_000))
    return path


def page(path: Path) -> Path:
    path.write_text("<!doctype html><title>Not found</title>")
    return path


def truncated(path: Path) -> Path:
    path.write_bytes(raw(path).read_bytes()[:-200])
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def foreign(path: Path) -> Path:
    torch.save({"layer.weight": torch.ones(2, 2)}, path)
    return path


def misshapen(path: Path) -> Path:
    torch.save({"weight": torch.ones(3, 2), "bias": torch.zeros(3)}, path)
    return path


def infinite(path: Path) -> Path:
    return raw(path, float("nan"))
