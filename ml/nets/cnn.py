"""The report's U-Net, a plain regression from grey to colour that is trained with Keras.

Padding is TensorFlow's "same" for even sizes: one row and column after the picture, none before.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DOWN = (128, 128, 256, 512, 512)  # channels after each halving
UP = (512, 256, 128, 128, 3)  # channels after each doubling, before the skip connection
PLAIN = 2  # the first halvings have no batch norm
SPREAD = (1, 4)  # doublings that a processor does faster as one matrix product
STRIDE = 2 ** len(DOWN)  # height and width of the input must be multiples of this
EPS, MOMENTUM, SLOPE = 1e-3, 0.01, 0.3  # Keras' defaults; its momentum is 1 - torch's


def padded(x: Tensor) -> Tensor:
    return F.pad(x, (0, 1, 0, 1))


class Down(nn.Module):
    """Half the height and width. Without `norm` there is no batch norm, or it has been folded."""

    def __init__(self, cin: int, cout: int, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride=2)
        self.norm = nn.BatchNorm2d(cout, EPS, MOMENTUM) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(self.norm(self.conv(padded(x))), SLOPE)


class Up(nn.Module):
    """Twice the height and width: the adjoint of the padded convolution. With `spread` it is a
    matrix product whose nine numbers per place and channel are added up where they fall together.
    """

    def __init__(self, cin: int, cout: int, spread: bool) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(cin, cout, 3, stride=2)
        self.spread = spread

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(x) if self.spread else self.conv(x)[..., :-1, :-1]
        return F.leaky_relu(y, SLOPE)

    def product(self, x: Tensor) -> Tensor:
        cin, cout = self.conv.weight.shape[:2]
        matrix = self.conv.weight.permute(1, 2, 3, 0).reshape(9 * cout, cin, 1, 1)
        y: Tensor = F.conv2d(x, matrix)
        y = y.unflatten(1, (cout, 3, 3))  # type: ignore[no-untyped-call]  # (B, K, 3, 3, H, W)
        even = y[:, :, 0] + F.pad(y[:, :, 2, :, :-1], (0, 0, 1, 0))
        y = torch.stack([even, y[:, :, 1]], 2)
        even = y[:, :, :, 0] + F.pad(y[:, :, :, 2, :, :-1], (1, 0))
        y = torch.stack([even, y[:, :, :, 1]], 3)  # (B, K, 2, 2, H, W)
        bias = cast(Tensor, self.conv.bias)
        return F.pixel_shuffle(y.flatten(1, 3), 2) + bias[:, None, None]


class CNN(nn.Module):
    """sRGB (B, 3, H, W), about 0..1 but not clipped, of grey in three equal channels, 0..1."""

    def __init__(self, norm: bool = True) -> None:
        super().__init__()
        before = (3, *DOWN)
        self.down = nn.ModuleList(
            Down(before[k], cout, norm and k >= PLAIN) for k, cout in enumerate(DOWN)
        )
        skips = before[-2::-1]  # what is joined after each doubling
        widths = (DOWN[-1], *(cout + skip for cout, skip in zip(UP, skips, strict=True)))
        self.up = nn.ModuleList(Up(widths[k], cout, k in SPREAD) for k, cout in enumerate(UP))
        self.out = nn.Conv2d(widths[-1], 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        for up in self.up:
            x = torch.cat([up(x), skips.pop()], 1)
        y: Tensor = self.out(padded(x))
        return y


def folded(net: CNN) -> CNN:
    """The same numbers without batch norm, which becomes part of the convolution before it.
    Changes `net`.
    """
    for down in net.down:
        if isinstance(down, Down) and isinstance(down.norm, nn.BatchNorm2d):
            down.conv = nn.utils.fuse_conv_bn_eval(down.conv, down.norm)
            down.norm = nn.Identity()
    return net.eval().requires_grad_(False)
