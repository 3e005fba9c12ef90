"""DeOldify's generators as they are trained: with the norms that inference folds away."""

import warnings
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm, weight_norm

from ml.nets.deoldify import ARTISTIC, STABLE, Generator, Layout, Shuffle
from training.nogan.published import torchvision_weights

LAYOUTS: dict[str, Layout] = {"artistic": ARTISTIC, "stable": STABLE}
ENCODERS = {"artistic": "ResNet34", "stable": "ResNet101"}
CHILDREN = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
SECOND_GROUP = 6  # child of the encoder with which the second layer group begins


def trainable(network: str, encoder: str) -> Generator:
    """A new generator: He's initialisation, `encoder` weights, and norms named as upstream's.

    Raises MissingWeights.
    """
    net = Generator(LAYOUTS[network])
    for name, module in net.layers.named_modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d) and not name.startswith("0."):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in net.modules():
        if isinstance(module, Shuffle):
            icnr(cast(nn.Conv2d, module.conv[0]).weight)
    if encoder != "random":
        load_encoder(net, torchvision_weights(ENCODERS[network], encoder, "encoder"))
    normalise(net)
    return net


def normalise(net: Generator) -> None:
    """Weight norm on the last upsampling's convolution, spectral norm on every other one behind
    the encoder (Miyato et al. 2018): keys weight_g, weight_v and weight_orig, weight_u, weight_v.
    """
    for name, module in list(net.layers.named_modules()):
        if name.startswith("0.") or not isinstance(module, nn.Conv1d | nn.Conv2d):
            continue
        if name != "8.conv.0":
            spectral_norm(module)
            continue
        with warnings.catch_warnings():  # its successor names the keys otherwise
            warnings.simplefilter("ignore", FutureWarning)
            weight_norm(module)


@torch.no_grad()
def icnr(weight: Tensor) -> None:
    """Let the four channels that a pixel shuffle spreads over one place begin alike: no
    checkerboard (Aitken et al. 2017).
    """
    weight.copy_(weight[::4].repeat_interleave(4, 0))


def load_encoder(net: Generator, state: dict[str, Tensor]) -> None:
    """torchvision's ResNet weights, without the classifier."""
    renamed = {}
    for key, tensor in state.items():
        child, _, rest = key.partition(".")
        if child in CHILDREN:
            renamed[f"{CHILDREN[child]}.{rest}"] = tensor
    body = net.layers["0"]
    for key, value in body.state_dict().items():
        if key.endswith("num_batches_tracked"):
            renamed.setdefault(key, value)  # the oldest files do not have it
    body.load_state_dict(renamed)


def layer_groups(net: Generator) -> list[list[nn.Parameter]]:
    """Upstream's three: the encoder to its second stage, its rest, and everything behind it."""
    children = list(net.layers["0"].children())
    parts = (
        children[:SECOND_GROUP],
        children[SECOND_GROUP:],
        [module for name, module in net.layers.items() if name != "0"],
    )
    return [[p for module in part for p in module.parameters()] for part in parts]


def published(net: Generator) -> dict[str, dict[str, Tensor]]:
    """What upstream's checkpoint files hold, on the CPU."""
    return {"model": {key: value.detach().cpu() for key, value in net.state_dict().items()}}
