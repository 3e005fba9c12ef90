"""DeOldify's generators (Jason Antic, MIT): U-Nets over a ResNet, grey in, colour out.

Artistic is ResNet-34 with a deep decoder, Stable (and Video) ResNet-101 with a wide one. Modules
are named as in the published checkpoints. Their spectral and weight norms are plain weights here:
in use both are constants (`ml.backends.deoldify.folded`).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SPAN = 3.0  # the output lies in (-SPAN, SPAN), in units of the ImageNet normalisation
ATTENTIVE = 1  # which decoder block ends in self-attention


@dataclass(frozen=True, slots=True)
class Layout:
    """What distinguishes the two: channels of the body, and of the decoder from deep to shallow."""

    bottleneck: bool  # three convolutions per residual block, not two
    repeats: tuple[int, int, int, int]
    skips: tuple[int, int, int, int]  # channels of the body at strides 16, 8, 4, 2
    deepest: int  # channels of the body at stride 32
    shuffled: tuple[int, int, int, int]  # channels that a block brings up
    widths: tuple[int, int, int, int]  # channels that a block puts out
    deep: bool  # two convolutions per decoder block, not one


ARTISTIC = Layout(
    bottleneck=False,
    repeats=(3, 4, 6, 3),
    skips=(256, 128, 64, 64),
    deepest=512,
    shuffled=(256, 384, 384, 336),
    widths=(768, 768, 672, 300),
    deep=True,
)
STABLE = Layout(
    bottleneck=True,
    repeats=(3, 4, 23, 3),
    skips=(1024, 512, 256, 64),
    deepest=2048,
    shuffled=(512, 512, 512, 256),
    widths=(512, 512, 512, 256),
    deep=False,
)


class Basic(nn.Module):
    """Residual block of two 3x3 convolutions (He et al. 2015)."""

    expansion: Literal[1, 4] = 1

    def __init__(self, cin: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(cin, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y)) + self.downsample(x)
        return F.relu(y, inplace=True)


class Bottleneck(nn.Module):
    """Residual block 1x1, 3x3, 1x1; the 3x3 strides (ResNet v1.5, as torchvision has it)."""

    expansion: Literal[1, 4] = 4

    def __init__(self, cin: int, width: int, stride: int) -> None:
        super().__init__()
        cout = width * self.expansion
        self.conv1 = nn.Conv2d(cin, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, cout, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(cout)
        self.downsample = shortcut(cin, cout, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        y = self.bn3(self.conv3(y)) + self.downsample(x)
        return F.relu(y, inplace=True)


def shortcut(cin: int, cout: int, stride: int) -> nn.Module:
    if cin == cout and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))


def resnet(layout: Layout) -> nn.Sequential:
    """torchvision's ResNet without its head: children 0 to 7."""
    block = Bottleneck if layout.bottleneck else Basic
    stages, cin = [], 64
    for index, repeats in enumerate(layout.repeats):
        width = 64 * 2**index
        blocks: list[nn.Module] = []
        for number in range(repeats):
            blocks.append(block(cin, width, 2 if index and not number else 1))
            cin = width * block.expansion
        stages.append(nn.Sequential(*blocks))
    stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    return nn.Sequential(
        stem, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), *stages
    )


def conv_relu_norm(cin: int, cout: int, *more: nn.Module) -> nn.Sequential:
    """The norm comes after the ReLU: fastai's order."""
    conv = nn.Conv2d(cin, cout, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.ReLU(inplace=True), nn.BatchNorm2d(cout), *more)


class Shuffle(nn.Module):
    """Twice the height and width: 1x1 convolution, pixel shuffle, and a 2x2 blur against the
    checkerboard it leaves (Sugawara et al. 2019).
    """

    def __init__(self, cin: int, cout: int, norm: bool) -> None:
        super().__init__()
        conv = nn.Conv2d(cin, 4 * cout, 1, bias=not norm)
        self.conv = nn.Sequential(conv, *([nn.BatchNorm2d(4 * cout)] if norm else []))

    def forward(self, x: Tensor) -> Tensor:
        x = F.pixel_shuffle(F.relu(self.conv(x), inplace=True), 2)
        return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


class SelfAttention(nn.Module):
    """Every place is mixed with all others. As published, each *key*'s weights sum to one over the
    queries; that is the usual attention with the two exchanged.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.key = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.value = nn.Conv1d(channels, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2)  # (N, C, L)
        query, key, value = (
            conv(places).transpose(1, 2) for conv in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(key, query, value, scale=1.0)
        return self.gamma * mixed.transpose(1, 2).reshape(x.shape) + x


class Up(nn.Module):
    """One decoder block: upsample, join the body's features of that size, convolve."""

    def __init__(
        self, cin: int, skip: int, shuffled: int, cout: int, deep: bool, attentive: bool
    ) -> None:
        super().__init__()
        self.shuf = Shuffle(cin, shuffled, norm=True)
        self.bn = nn.BatchNorm2d(skip)
        attention = [SelfAttention(cout)] if attentive else []
        if deep:
            self.conv1 = conv_relu_norm(shuffled + skip, cout)
            self.conv2 = conv_relu_norm(cout, cout, *attention)
        else:
            self.conv = conv_relu_norm(shuffled + skip, cout, *attention)
        self.deep = deep

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.shuf(x)
        # An odd render factor: 14 against 13. Without a branch, so that one trace holds for all.
        x = F.interpolate(x, skip.shape[2:], mode="nearest")
        x = F.relu(torch.cat([x, self.bn(skip)], 1), inplace=True)
        y: Tensor = self.conv2(self.conv1(x)) if self.deep else self.conv(x)
        return y


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()) for _ in "12")
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y


class Generator(nn.Module):
    """Colour (N, 3, S, S) of grey (N, 3, S, S), both ImageNet-normalised; 16 divides S."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        deepest, last = layout.deepest, layout.widths[-1] + 3
        self.layers = nn.ModuleDict(
            {
                "0": resnet(layout),
                "1": nn.BatchNorm2d(deepest),
                "3": nn.Sequential(
                    conv_relu_norm(deepest, 2 * deepest), conv_relu_norm(2 * deepest, deepest)
                ),
            }
        )
        columns = zip(layout.skips, layout.shuffled, layout.widths, strict=True)
        cin = deepest
        for index, (skip, shuffled, cout) in enumerate(columns):
            up = Up(cin, skip, shuffled, cout, layout.deep, index == ATTENTIVE)
            self.layers[str(4 + index)] = up
            cin = cout
        self.layers["8"] = Shuffle(cin, cin, norm=False)
        self.layers["10"] = Residual(last)
        self.layers["11"] = nn.Sequential(nn.Conv2d(last, 3, 1))

    def forward(self, grey: Tensor) -> Tensor:
        x, skips = grey, []
        for index, stage in enumerate(self.layers["0"].children()):
            x = stage(x)
            if index in (2, 4, 5, 6):
                skips.append(x)
        x = self.layers["3"](F.relu(self.layers["1"](x)))
        for name in ("4", "5", "6", "7"):
            x = self.layers[name](x, skips.pop())
        x = torch.cat([self.layers["8"](x), grey], 1)
        x = self.layers["11"](self.layers["10"](x))
        return torch.sigmoid(x) * (2 * SPAN) - SPAN
