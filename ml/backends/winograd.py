"""3x3 convolutions with a quarter of the multiplications: Winograd's F(4x4, 3x3).

Lavin and Gray 2016 (Fast Algorithms for Convolutional Neural Networks, section 4). The points are
0, +-1/sqrt 2, +-sqrt 2 and infinity, with which single precision errs hardly more than in the plain
convolution (Alam et al. 2022, Winograd Convolution for Deep Neural Networks: Efficient Point
Selection); with the usual 0, +-1, +-2 the error is more than twice as large.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.polynomial import polynomial
from torch import Tensor, nn
from torch.nn import functional as F

TILE = 4  # pixels of a tile's side, of the 6 that each is computed from
POINTS = np.array([0, math.sqrt(0.5), -math.sqrt(0.5), math.sqrt(2), -math.sqrt(2)])
BANDS = 2  # that a picture is cut into, for the sake of memory


def transforms() -> tuple[Tensor, Tensor, Tensor]:
    """Of the output (4, 6), the kernel (6, 3) and the input (6, 6), in double precision: A^T, G and
    B^T of the paper, by Lagrange interpolation through POINTS and infinity.
    """
    side = len(POINTS) + 1
    output, kernel, data = np.zeros((TILE, side)), np.zeros((side, 3)), np.zeros((side, side))
    for index, point in enumerate(POINTS):
        others = np.delete(POINTS, index)
        output[:, index] = point ** np.arange(TILE)
        kernel[index] = point ** np.arange(3) / np.prod(point - others)
        data[index, :-1] = polynomial.polyfromroots(others)
    output[-1, -1] = kernel[-1, -1] = 1
    data[-1] = polynomial.polyfromroots(POINTS)
    return torch.from_numpy(output), torch.from_numpy(kernel), torch.from_numpy(data)


class Winograd(nn.Module):
    """A 3x3 convolution of stride 1 and padding 1, by tiles: (1, C, H, W) to (1, K, H, W)."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        output, kernel, data = transforms()
        weight = conv.weight.detach().double()
        self.channels = len(weight)
        self.kernel = torch.einsum("ai,bj,kcij->abkc", kernel, kernel, weight).flatten(0, 1).float()
        self.data = torch.einsum("ai,bj->abij", data, data).flatten(0, 1)[:, None].float()
        self.output = torch.einsum("ia,jb->ijab", output, output).reshape(16, 36, 1, 1).float()
        self.bias = conv.bias

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        rows, columns = (height + TILE - 1) // TILE, (width + TILE - 1) // TILE
        x = F.pad(x, (1, 1 + columns * TILE - width, 1, 1 + rows * TILE - height)).transpose(0, 1)
        bands = []
        for band in range(BANDS):
            start, stop = rows * band // BANDS, rows * (band + 1) // BANDS
            tiles = F.conv2d(x[:, :, start * TILE : stop * TILE + 2], self.data, stride=TILE)
            product = self.kernel @ tiles.flatten(2).transpose(0, 1)  # (36, K, tiles)
            product = product.transpose(0, 1).reshape(self.channels, 36, -1, columns)
            bands.append(F.pixel_shuffle(F.conv2d(product, self.output), TILE))
        y = torch.cat(bands, 2).transpose(0, 1)[:, :, :height, :width]
        return y if self.bias is None else y + self.bias[:, None, None]


def small_kernels(net: nn.Module, parts: Iterable[str]) -> list[tuple[str, nn.Conv2d]]:
    """The convolutions of a network's named parts that Winograd can replace, with their names."""
    return [
        (f"{part}.{name}", layer)
        for part in parts
        for name, layer in net.get_submodule(part).named_modules()
        if isinstance(layer, nn.Conv2d)
        and (layer.kernel_size, layer.stride, layer.padding) == ((3, 3), (1, 1), (1, 1))
        and (layer.dilation, layer.groups) == ((1, 1), 1)
    ]
