"""DeOldify's published files, read into the network."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ml.backends.checkpoints import fill, read, refusal, tensors
from ml.nets.deoldify import ARTISTIC, STABLE, Generator, Layout


def network(paths: Sequence[Path], title: str) -> Generator:
    """The network of fastai's {"model", "opt"} or of the weights alone. Whether it is Artistic or
    Stable, the file decides. Raises ModelUnavailable.
    """
    (path,) = paths
    held = read(path, title, allowed=[slice])  # the optimiser's rate may be a slice
    return build(held, path, title)


def build(held: object, path: Path, title: str) -> Generator:
    """The network of what the checkpoint at `path` holds. Raises ModelUnavailable."""
    state = folded(tensors(held, path, title))
    with torch.device("meta"):  # the checkpoint's tensors become the network's own
        net = Generator(layout(state, path, title))
    return fill(net, state, path, title)


def folded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """`state` with plain weights in place of spectral norm (weight_orig, weight_u, weight_v; Miyato
    et al. 2018) and weight norm (weight_g, weight_v). Empties `state` as it goes, to hold one copy.

    Parts that do not belong together stay as they are, for a strict load to name.
    """
    result = {}
    for stem in [key.removesuffix("_v") for key in state if key.endswith(".weight_v")]:
        original, gain, left = (state.get(f"{stem}_{part}") for part in ("orig", "g", "u"))
        right = state[f"{stem}_v"]
        if original is not None and left is not None:
            if (*left.shape, *right.shape) != original.flatten(1).shape:
                continue
            result[stem] = original.float() / largest(original, left, right)
        elif gain is not None:
            norm = right.float().flatten(1).norm(dim=1)
            result[stem] = right * (gain.flatten() / norm).view(-1, *[1] * (right.ndim - 1))
        else:
            continue
        for part in ("orig", "g", "u", "v"):
            state.pop(f"{stem}_{part}", None)
    return result | state


def largest(weight: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """The largest singular value of a weight (out, ...) by its singular vectors as stored: another
    step towards better ones would change the published numbers.
    """
    return left.float() @ (weight.float().flatten(1) @ right.float())


def layout(state: Mapping[str, Tensor], path: Path, title: str) -> Layout:
    """Which of the two networks the weights are of. Raises ModelUnavailable."""
    for name, known in (("conv1", ARTISTIC), ("conv", STABLE)):
        if f"layers.4.{name}.0.weight" in state:
            return known
    raise refusal(title, path, f"no DeOldify generator: layers.4 is missing, {min(state)} is there")
