"""Zhang's released files, read into the networks."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import torch

from ml.backends.checkpoints import fill, read, tensors
from ml.nets.zhang import ECCV16, SIGGRAPH17

Net = TypeVar("Net", ECCV16, SIGGRAPH17)


def eccv16(paths: Sequence[Path], title: str) -> ECCV16:
    """Raises ModelUnavailable."""
    return filled(ECCV16, paths, title)


def siggraph17(paths: Sequence[Path], title: str) -> SIGGRAPH17:
    """Raises ModelUnavailable."""
    return filled(SIGGRAPH17, paths, title)


def filled(kind: type[Net], paths: Sequence[Path], title: str) -> Net:
    (path,) = paths
    state = tensors(read(path, title), path, title)
    with torch.device("meta"):
        net = kind()
    return fill(net, state, path, title)
