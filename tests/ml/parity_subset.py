"""Make tests/data/parity/deoldify.npz: python -m tests.ml.parity_subset"""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ml.backends.deoldify import forward, grey_square, paint
from tests.ml.parity_deoldify import build_deoldify_artistic
from tests.ml.photos import photograph, ramp
from tests.ml.synthetic import DATA, state_dict

FILE = DATA / "deoldify.npz"
SEED, RENDER_FACTOR, CORNER = 20260101, 8, 16


def summary(net: nn.Module) -> dict[str, NDArray[np.generic]]:
    """What is kept of a network's answer to the ramp."""
    photo = photograph(ramp(64, 96))
    y = forward(net, grey_square(photo.pixels, 16 * RENDER_FACTOR))
    painted = paint(net, photo, RENDER_FACTOR, composition="upstream").pixels
    return {
        "corner": y[:CORNER, :CORNER],
        "statistics": np.stack([y.mean((0, 1)), y.std((0, 1)), y.min((0, 1)), y.max((0, 1))]),
        "composed": painted[:CORNER, :CORNER],
    }


def main() -> None:
    kept = {}
    for model in ("deoldify_artistic", "deoldify_stable"):
        net = build_deoldify_artistic({"model": state_dict(model, SEED)}, {})
        kept |= {f"{model}_{name}": values for name, values in summary(net).items()}
    np.savez_compressed(FILE, **kept)


if __name__ == "__main__":
    main()
