"""BigColor's released files, read into the network: raw weights, and the averaged list (EMA) that
may come with them. Its args.pkl and config.pickle run code when opened and are never read; what
they say is in ml.nets.bigcolor.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ml.backends.checkpoints import fill, read, refusal, tensors
from ml.nets.bigcolor import BigColor


def network(paths: Sequence[Path], title: str) -> BigColor:
    """The network of upstream's raw weights, with the averaged ones in their place if a second file
    holds them, or of weights that COLORIA converted. Raises ModelUnavailable.
    """
    path, *average = paths
    state = tensors(read(path, title), path, title)
    with torch.device("meta"):
        net = BigColor()
    if path.suffix == ".safetensors":  # converted: norms folded, unused parts left out
        return fill(net.bare(), state, path, title)
    if average:
        names = [name for name, _ in net.named_parameters()]
        (path,) = average
        state = averaged(state, names, path, title)
    return fill(net, state, path, title).ready()


def averaged(
    state: Mapping[str, Tensor], names: list[str], path: Path, title: str
) -> dict[str, Tensor]:
    """`state` with the parameters `names` replaced by the nameless list in the file at `path`.

    Raises ModelUnavailable if the list is missing or of another length.
    """
    held = read(path, title)
    shadow = held.get("shadow_params") if isinstance(held, Mapping) else None
    if not isinstance(shadow, list) or not all(isinstance(value, Tensor) for value in shadow):
        raise refusal(title, path, "holds no averaged weights (shadow_params)")
    if len(shadow) != len(names):
        why = f"holds {len(shadow)} averaged weights, the network has {len(names)}"
        raise refusal(title, path, why)
    return {**state, **dict(zip(names, shadow, strict=True))}
