"""Make tests/data/parity/deoldify.npz: python -m tests.ml.parity_subset"""

import numpy as np
from numpy.typing import NDArray

from ml.backends.deoldify import DeOldify, forward, grey_square, paint
from tests.ml import parity
from tests.ml.parity_net import Net
from tests.ml.photos import photograph, ramp
from tests.ml.synthetic import DATA, state_dict

FILE = DATA / "deoldify.npz"
SEED, RENDER_FACTOR, CORNER = 20260101, 8, 16


def summary(net: Net) -> dict[str, NDArray[np.generic]]:
    """What is kept of a network's answer to the ramp."""
    assert isinstance(net.colorizer, DeOldify)
    engine, photo = net.colorizer.engine, photograph(ramp(64, 96))
    y = forward(engine, grey_square(photo.pixels, 16 * RENDER_FACTOR))
    painted = paint(engine, photo, RENDER_FACTOR, composition="upstream").pixels
    return {
        "corner": y[:CORNER, :CORNER],
        "statistics": np.stack([y.mean((0, 1)), y.std((0, 1)), y.min((0, 1)), y.max((0, 1))]),
        "composed": painted[:CORNER, :CORNER],
    }


def main() -> None:
    kept = {}
    for model in ("deoldify_artistic", "deoldify_stable"):
        net = getattr(parity, f"build_{model}")({"model": state_dict(model, SEED)}, {})
        kept |= {f"{model}_{name}": values for name, values in summary(net).items()}
    np.savez_compressed(FILE, **kept)


if __name__ == "__main__":
    main()
