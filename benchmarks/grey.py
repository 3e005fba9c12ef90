"""How well an encoder understands grey photos: does it see what ImageNet's sees in colour?

    python benchmarks/grey.py --data DIR --names RUN/split.json [--checkpoint RUN/last.pt]

The photos are those that the run held out. Printed for EfficientNet-Lite2 with its ImageNet
weights, then for the encoder of the checkpoint, which must have kept its top (`--set top=true`):
the share of photos whose likeliest class is that of the photo in colour, and how far the thousand
classes' shares are from those (Kullback-Leibler divergence, nats).
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).parents[1]))

from ml.color import ab_bins, lab_from_rgb
from ml.nets.coloria import Coloria, load_encoder, network_of
from training import checkpoint
from training.data import Pixels, decode
from training.recipes.coloria import VALID_SIDE, encoder_weights, whole

ENCODER = "lite2"


@torch.no_grad()
def classes(encoder: nn.Sequential, photos: list[Pixels], state: dict[str, Tensor]) -> Tensor:
    """Log shares of the classes, (photos, 1000), by the encoder and ImageNet's classifier."""
    batches = [torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None] for rgb in photos]
    found = torch.cat([encoder((rgb - 127) / 128).mean((2, 3)) for rgb in batches])
    return (found @ state["_fc.weight"].T + state["_fc.bias"]).log_softmax(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    given = parser.parse_args()
    if not (given.data and given.names):
        sys.stdout.write("left out: needs --data DIR and --names RUN/split.json\n")
        return
    names = json.loads(given.names.read_text())["valid"]
    photos = [whole(decode(given.data / name, VALID_SIDE), VALID_SIDE) for name in names]
    lumas = [lab_from_rgb(rgb)[..., :1] * 2.55 for rgb in photos]
    greys = [luma.round().astype(np.uint8).repeat(3, -1) for luma in lumas]
    state = encoder_weights(ENCODER)
    plain = Coloria(len(ab_bins()), ENCODER, top=True)
    load_encoder(plain, state)
    nets = {"ImageNet": plain}
    if given.checkpoint:
        nets[str(given.checkpoint)] = network_of(checkpoint.load(given.checkpoint)["ema"])
    encoders = {name: nn.Sequential(*net.parts()).eval() for name, net in nets.items()}
    colour = classes(encoders["ImageNet"], photos, state)
    for name, encoder in encoders.items():
        grey = classes(encoder, greys, state)
        same = (grey.argmax(1) == colour.argmax(1)).float().mean()
        apart = F.kl_div(grey, colour, reduction="batchmean", log_target=True)
        sys.stdout.write(f"{name}: {same:.0%} of {len(photos)} alike, divergence {apart:.2f}\n")


if __name__ == "__main__":
    main()
