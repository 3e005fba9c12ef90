"""BigColor's networks while they learn: spectral norm at work, BigGAN's discriminator (Brock et al.
2019), first weights.
"""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from ml.backends.checkpoints import read, tensors
from ml.errors import ModelUnavailable
from ml.nets import bigcolor
from ml.nets.bigcolor import Attention, BigColor, SNConv, SNLinear, Spectral
from training.errors import MissingWeights, TrainingError

logger = logging.getLogger(__name__)

DISCRIMINATOR = ((0, 1), (1, 2), (2, 4), (4, 8), (8, 8), (8, 16), (16, 16))  # in units of its width
ATTENTION = 1  # the block whose result is 64 px wide at 256 px
NAMED = 8  # weights that did not match and are named in the log


def divided(layer: Spectral, learning: bool) -> Tensor:
    """The layer's weight over its spectral norm, one power step from u0, which moves on in
    training. In single precision whatever the rest does.
    """
    with torch.autocast(layer.weight.device.type, enabled=False):
        matrix = layer.weight.flatten(1)
        with torch.no_grad():
            right = F.normalize(layer.u0 @ matrix, eps=bigcolor.SN_EPS)
            left = F.normalize(right @ matrix.T, eps=bigcolor.SN_EPS)
        norm = (right @ matrix.T @ left.T).squeeze()
        if learning:
            layer.u0.copy_(left)
            layer.get_buffer("sv0").copy_(norm.detach())
        return layer.weight / norm


class Normalised(nn.Module):
    """`net` with its spectral weights divided at every call, but for those below `idle`, which are
    never computed.
    """

    def __init__(self, net: nn.Module, idle: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.net = net
        self.spectral = [
            name
            for name, layer in net.named_modules()
            if isinstance(layer, Spectral) and not name.startswith(idle)
        ]

    def forward(self, *inputs: Tensor) -> Tensor:
        layers = [(name, self.net.get_submodule(name)) for name in self.spectral]
        weights = {
            f"{name}.weight": divided(layer, self.training)
            for name, layer in layers
            if isinstance(layer, Spectral)
        }
        result: Tensor = functional_call(self.net, weights, inputs)
        return result


class SNEmbedding(nn.Embedding, Spectral):
    def __init__(self, rows: int, width: int) -> None:
        super().__init__(rows, width)
        self.remember(rows)


class Block(nn.Module):
    """A residual block; the first of a network sees the photo and begins without ReLU."""

    def __init__(self, cin: int, cout: int, first: bool, down: bool) -> None:
        super().__init__()
        self.conv1 = SNConv(cin, cout, 3)
        self.conv2 = SNConv(cout, cout, 3)
        self.conv_sc = SNConv(cin, cout, 1) if cin != cout or down else None
        self.first, self.down = first, down

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(x if self.first else F.relu(x))
        h = self.conv2(F.relu(h))
        out: Tensor = (F.avg_pool2d(h, 2) if self.down else h) + self.shortcut(x)
        return out

    def shortcut(self, x: Tensor) -> Tensor:
        if self.first:
            x = F.avg_pool2d(x, 2)
        if self.conv_sc is not None:
            x = self.conv_sc(x)
        return F.avg_pool2d(x, 2) if self.down and not self.first else x


class Discriminator(nn.Module):
    """How real the photos (B, 3, S, S), -1..1, of classes (B,) look: (B, 1). S a multiple of 64."""

    def __init__(self, width: int, classes: int = bigcolor.CLASSES) -> None:
        super().__init__()
        blocks = []
        for index, (cin, cout) in enumerate(DISCRIMINATOR):
            first, down = index == 0, index < len(DISCRIMINATOR) - 1
            layers: list[nn.Module] = [Block(cin * width or 3, cout * width, first, down)]
            if index == ATTENTION:
                layers.append(Attention(cout * width))
            blocks.append(nn.ModuleList(layers))
        self.blocks = nn.ModuleList(blocks)
        self.linear = SNLinear(16 * width, 1)
        self.embed = SNEmbedding(classes, 16 * width)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        for block in self.blocks:
            for layer in block.children():
                x = layer(x)
        total = F.relu(x).sum((2, 3))
        out: Tensor = self.linear(total) + (self.embed(c) * total).sum(1, keepdim=True)
        return out


def generator(finetune: bool) -> tuple[BigColor, tuple[str, ...]]:
    """The network to train and the parts of it that are never computed.

    Those, and upstream's unused in1 and in2, take no gradient; nor does G if it is to stay.
    """
    net = BigColor()
    idle = ("G.linear", *(f"G.blocks.{index}." for index in range(bigcolor.ENTRY)))
    for name, parameter in net.named_parameters():
        unused = name.startswith(idle) or ".in1." in name or ".in2." in name
        fixed = name.startswith("G.") and not finetune
        parameter.requires_grad_(not (unused or fixed))
    return net, idle


def initialise(net: nn.Module, how: str, idle: tuple[str, ...] = ()) -> None:
    """First weights by name (S059): ortho, N02, xavier, or empty for torch's own; a direction for
    every spectral norm.
    """
    fills: dict[str, Any] = {
        "ortho": nn.init.orthogonal_,
        "N02": lambda weight: nn.init.normal_(weight, std=0.02),
        "xavier": nn.init.xavier_uniform_,
        "empty": lambda weight: weight,
    }
    how = how or "empty"  # the report's --weight_init ""
    if how not in fills:
        raise TrainingError(f"weight_init={how} is not known; it is ortho, N02, xavier or empty")
    for name, layer in net.named_modules():
        if isinstance(layer, Spectral):
            nn.init.normal_(layer.u0)
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding) and not name.startswith(idle):
            fills[how](layer.weight)


def published(path: Path) -> dict[str, Tensor]:
    """The weights by name in a file of torch.save. Raises TrainingError if it is no such file or
    holds more than weights.
    """
    try:
        return tensors(read(path, path.name), path, path.name)
    except ModelUnavailable as error:
        raise TrainingError(error.reason) from error


def pretrained(net: nn.Module, path: str, switch: str) -> None:
    """Take what fits from the published weights at `path` and log what does not (S062, S084).

    Raises MissingWeights that names the `switch` to train without them, TrainingError if nothing
    fits.
    """
    if not Path(path).is_file():
        raise MissingWeights(
            f"The pre-trained weights {path} are not there. Name another file, or train from the "
            f"start: --set {switch}=true."
        )
    held = published(Path(path))
    own = net.state_dict()
    fitting = {k: v for k, v in held.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise TrainingError(f"{path} has no weight of this network's names and shapes")
    net.load_state_dict(fitting, strict=False)
    for what, names in (("lacks", own.keys() - fitting), ("has unused", held.keys() - fitting)):
        if names:
            shown = ", ".join(sorted(names)[:NAMED])
            logger.warning("%s %s %d weights: %s", path, what, len(names), shown)
    logger.info("took %d of %d weights from %s", len(fitting), len(own), path)
