"""Convolutions by tiles give the plain convolution's numbers (issue 3)."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from ml.backends import engines, winograd
from ml.backends.winograd import BANDS, TILE, Winograd, small_kernels, transforms

SIDES = st.integers(TILE * (BANDS - 1) + 1, 30)


@settings(max_examples=25, deadline=None)
@given(height=SIDES, width=st.integers(1, 30), channels=st.integers(1, 40), bias=st.booleans())
def test_any_size_gives_the_plain_convolution(
    height: int, width: int, channels: int, bias: bool
) -> None:
    torch.manual_seed(height * width)
    conv = nn.Conv2d(channels, 7, 3, padding=1, bias=bias)
    x = torch.randn(1, channels, height, width)
    with torch.inference_mode():
        torch.testing.assert_close(Winograd(conv)(x), conv(x), atol=2e-5, rtol=0)


def test_single_precision_errs_less_than_half_of_what_the_usual_points_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(1)
    conv = nn.Conv2d(300, 100, 3, padding=1, bias=False)
    x = torch.randn(1, 300, 64, 64).relu()
    with torch.inference_mode():
        truth = F.conv2d(x.double(), conv.weight.double(), padding=1)
        pictures = [Winograd(conv)(x)]
        monkeypatch.setattr(winograd, "POINTS", np.array([0, 1, -1, 2, -2]))
        pictures.append(Winograd(conv)(x))
    tiled, usual = ((y - truth).square().mean().sqrt() for y in pictures)
    assert tiled < 2e-6 * truth.std()  # a plain convolution's error depends on the processor
    assert usual > 2 * tiled


def test_the_transforms_are_exact_in_double_precision() -> None:
    output, kernel, data = transforms()
    weight, tile = torch.randn(3, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    found = output @ ((kernel @ weight) * (data @ tile))
    torch.testing.assert_close(found, tile.unfold(0, 3, 1) @ weight, atol=1e-12, rtol=0)


def test_only_plain_3x3_convolutions_of_the_named_parts_are_replaced() -> None:
    net = nn.ModuleDict(
        {
            "a": nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 1)),
            "b": nn.Sequential(
                nn.Conv2d(2, 2, 3, 2, 1),
                nn.Conv2d(2, 2, 3, padding=2, dilation=2),
                nn.Conv2d(2, 2, 3, padding=1, groups=2),
                nn.Conv2d(2, 2, 3),
            ),
            "c": nn.Sequential(nn.Conv2d(2, 2, 3, padding=1)),
        }
    )
    assert [name for name, _ in small_kernels(net, ["a", "b"])] == ["a.0"]


@pytest.mark.parametrize("side", [16, 37])
def test_openvino_computes_the_same_at_sizes_that_it_was_not_converted_with(side: int) -> None:
    torch.manual_seed(2)
    net = nn.Sequential(nn.Sequential(nn.Conv2d(3, 5, 3, padding=1))).eval()
    x = torch.randn(1, 3, side, side + 5)
    with torch.inference_mode():
        plain = net(x)
    example = torch.zeros(1, 3, 16, 16).numpy()
    tiled = engines.OpenVino(engines.convert(net, [example], ["0"]))(x.numpy())
    assert isinstance(net[0], nn.Sequential)
    assert isinstance(net[0][0], Winograd)
    torch.testing.assert_close(torch.from_numpy(tiled), plain, atol=2e-5, rtol=0)
