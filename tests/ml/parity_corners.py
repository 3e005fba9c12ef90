"""Make tests/data/parity/zhang.npz, bigcolor.npz and cnn.npz: python -m tests.ml.parity_corners"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.backends import bigcolor, cnn, zhang
from ml.backends.bigcolor import Painter
from ml.backends.zhang import Zhang, hints_in_lab, network_luma
from ml.nets.bigcolor import BigColor
from ml.nets.zhang import ECCV16, SIGGRAPH17
from ml.spec import Hint
from tests.ml import parity
from tests.ml.keras_file import arrays
from tests.ml.parity_bigcolor import AVERAGED, RAW
from tests.ml.parity_net import Net
from tests.ml.photos import photograph, ramp
from tests.ml.synthetic import DATA, keys, state_dict, unit

SEED, CORNER = 20260101, 16
ZHANG = {"zhang_eccv16": ECCV16, "zhang_siggraph17": SIGGRAPH17}
HINTS = (Hint(0.2, 0.2, (200, 60, 40)),)
UNUSED = ("G.linear.", "G.blocks.0.", "G.blocks.1.")  # in the file, never computed
LABEL = 88

Kept = dict[str, NDArray[np.generic]]


def zhang_net(model: str) -> Net:
    build = getattr(parity, f"build_{model}")
    net: Net = build(state_dict(model, SEED), {})
    return net


def bigcolor_files() -> dict[str, object]:
    """What the two files of BigColor hold; of the weights that nothing reads, the shape only."""
    table = keys("bigcolor")
    used = {key: entry for key, entry in table.items() if not key.startswith(UNUSED)}
    raw = {key: torch.zeros(()).expand(shape) for key, (shape, *_) in table.items()}
    raw |= state_dict("bigcolor", SEED, used)
    with torch.device("meta"):
        names = [name for name, _ in BigColor().named_parameters()]
    shadow = [raw[key] if key.startswith(UNUSED) else moved(key, raw[key]) for key in names]
    held = {"decay": 0.999, "num_updates": 9, "shadow_params": shadow, "collected_params": None}
    return {RAW: raw, AVERAGED: held}


def moved(key: str, tensor: Tensor) -> Tensor:
    """About 5 % away, as averaged weights are."""
    return tensor * (1 + 0.05 * torch.from_numpy(unit(SEED, f"ema:{key}", tuple(tensor.shape))))


def corners(y: NDArray[np.float32], painted: NDArray[np.generic]) -> Kept:
    """What is kept of a network's answer (h, w, C) and of the picture (H, W, 3)."""
    return {
        "corner": y[:CORNER, :CORNER],
        "statistics": np.stack([y.mean((0, 1)), y.std((0, 1)), y.min((0, 1)), y.max((0, 1))]),
        "composed": painted[:CORNER, :CORNER],
    }


def zhang_corners(net: Net) -> Kept:
    assert isinstance(net.colorizer, Zhang)
    photo = photograph(ramp())
    ab = net.colorizer.ab(network_luma(photo), hints_in_lab(HINTS))
    return corners(ab, zhang.upstream(photo, ab).pixels)


def bigcolor_corners(net: Net) -> Kept:
    assert isinstance(net.colorizer, Painter)
    photo = photograph(ramp())
    latent = bigcolor.draw(SEED)[1]
    colours = net.colorizer.colours(photo, LABEL, latent, "powerof")
    return corners(colours, bigcolor.upstream(photo, colours).pixels)


def cnn_corners(net: Net) -> Kept:
    photo = photograph(ramp())
    grey = cnn.network_grey(photo).astype(np.float32) / np.float32(255)
    y = net(np.repeat(grey[None, ..., None], 3, -1))[0]
    return corners(y, cnn.upstream(photo, y.clip(0, 1)).pixels)


def main() -> None:
    kept = {model: zhang_corners(zhang_net(model)) for model in ZHANG}
    flat = {f"{model}_{name}": kept[model][name] for model in kept for name in kept[model]}
    np.savez_compressed(DATA / "zhang.npz", **flat)
    net = parity.build_bigcolor(bigcolor_files(), {"ema": True})
    np.savez_compressed(DATA / "bigcolor.npz", **bigcolor_corners(net))
    net = parity.build_keras_unet(arrays(), {})
    np.savez_compressed(DATA / "cnn.npz", **cnn_corners(net))


if __name__ == "__main__":
    main()
