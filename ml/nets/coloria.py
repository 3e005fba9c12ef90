"""The coloria network: luma and colour hints in, a distribution over ab bins out.

Encoder: EfficientNet-Lite (Tan and Le 2019; Lite variant without squeeze-and-excite, ReLU6), so
that its ImageNet weights can be a starting point. Decoder: U-Net (Ronneberger et al. 2015) of dense
3x3 blocks up to stride 4. Hints follow Zhang et al. 2017 (Real-Time User-Guided
Colorization): sparse ab and a mask, here given to the stem and, pooled, to every stage of the
decoder. The output follows Zhang et al. 2016: logits over the in-gamut ab bins.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 32  # height and width of the input must be multiples of this
OUTPUT_STRIDE = 4
TOP, DROPOUT = 1280, 0.3  # channels of the encoder's last convolution; of their mean, as there
STAGES = (  # kernel, stride, expansion
    (3, 1, 1),
    (3, 2, 6),
    (5, 2, 6),
    (3, 2, 6),
    (5, 1, 6),
    (5, 2, 6),
    (3, 1, 6),
)
ENCODERS = {  # repeats and out channels of the seven stages
    "lite0": ((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320)),
    "lite2": ((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352)),
}


def same_pad(x: Tensor, kernel: int, stride: int) -> Tensor:
    """TensorFlow's SAME padding, as the encoder was trained with; the stride divides the size."""
    total = kernel - stride
    return F.pad(x, (total // 2, total - total // 2, total // 2, total - total // 2))


class Conv(nn.Sequential):
    """Convolution with SAME padding, batch norm and, unless linear, ReLU6."""

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__(
            nn.Conv2d(cin, cout, kernel, stride, groups=groups, bias=False),
            nn.BatchNorm2d(cout, eps=1e-3, momentum=0.01),
            nn.Identity() if linear else nn.ReLU6(),
        )
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        conv, norm, activation = self
        if self.kernel > 1:
            x = same_pad(x, self.kernel, self.stride)
        y: Tensor = activation(norm(conv(x)))
        return y


class InvertedResidual(nn.Module):
    """MobileNetV2 block: expand, depthwise, project."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        mid = cin * expansion
        layers = [] if expansion == 1 else [Conv(cin, mid)]
        layers += [Conv(mid, mid, kernel, stride, groups=mid), Conv(mid, cout, linear=True)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class Residual(nn.Module):
    """Two dense 3x3 convolutions; on CPUs dense kernels at few channels beat depthwise ones at
    many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(Conv(width, width, 3), Conv(width, width, 3, linear=True))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x + self.layers(x))


class Up(nn.Module):
    """One decoder stage: upsample by two, join the skip and the pooled hints, refine."""

    def __init__(self, cin: int, skip: int, cout: int) -> None:
        super().__init__()
        self.join = Conv(cin + skip + 3, cout)
        self.refine = Residual(cout)

    def forward(self, x: Tensor, skip: Tensor, hints: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        y: Tensor = self.refine(self.join(torch.cat([x, skip, hints], 1)))
        return y


def pool_hints(hints: Tensor, stride: int) -> Tensor:
    """Mean ab of the hints in each cell, and whether there is one: (B, 3, H, W) to (B, 3, H/stride,
    W/stride).
    """
    pooled = F.avg_pool2d(hints, stride)
    mask = pooled[:, 2:]
    return torch.cat([pooled[:, :2] / (mask + 1e-6), (mask > 0).to(mask)], 1)


class Coloria(nn.Module):
    """Logits (B, bins, H/4, W/4) from luma (B, 1, H, W), 0..100, and hints (B, 3, H, W).

    Hints hold a / 110, b / 110 and a mask of ones where a hint is given, zeros elsewhere. `encoder`
    is one of ENCODERS; of its parts the first `frozen` stay as they are when it learns. With `top`
    the encoder keeps the convolution on which ImageNet's classes were told apart, and the decoder
    begins there; hints then reach the decoder alone, and the statistics of all the encoder's batch
    norms stay. While it learns with `shows_top`, that convolution's result (B, TOP, H/32, W/32) is
    returned beside the logits.
    """

    def __init__(
        self, bins: int, encoder: str = "lite0", frozen: int = 0, top: bool = False
    ) -> None:
        super().__init__()
        self.stem = Conv(3, 32, 3, 2)
        stages, cin = [], 32
        repeated, widths = ENCODERS[encoder]
        for (kernel, stride, expansion), repeats, cout in zip(
            STAGES, repeated, widths, strict=True
        ):
            blocks = []
            for index in range(repeats):
                blocks.append(
                    InvertedResidual(cin, cout, kernel, stride if index == 0 else 1, expansion)
                )
                cin = cout
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        at4, at8, at16, at32 = (widths[stage] for stage in (1, 2, 4, 6))
        self.top = Conv(at32, TOP) if top else None
        at32 = TOP if top else at32
        self.hint_stem = None
        if not top:
            self.hint_stem = nn.Conv2d(3, at8, 3, padding=1, bias=False)  # joins the encoder there
            nn.init.zeros_(self.hint_stem.weight)
        self.context = nn.Sequential(nn.Linear(at32, 256), nn.ReLU6(), nn.Linear(256, 192))
        self.neck = Conv(at32 + 3, 192)
        self.up16 = Up(192, at16, 128)
        self.up8 = Up(128, at8, 96)
        self.up4 = Up(96, at4, 64)
        self.head = nn.Conv2d(64, bins, 1)
        self.frozen, self.shows_top = frozen, False
        for part in self.parts()[:frozen]:
            part.requires_grad_(False)

    def parts(self) -> list[nn.Module]:
        """Stem, stages and top of the encoder, in order."""
        return [self.stem, *self.stages, *([self.top] if self.top else [])]

    def train(self, mode: bool = True) -> "Coloria":
        super().train(mode)
        for part in self.parts()[: None if self.top else self.frozen]:
            part.eval()  # the statistics of its batch norms stay too
        return self

    def forward(self, luma: Tensor, hints: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        grey = (luma * 2.55 - 127) / 128  # the encoder's own normalisation of 0..255
        x = self.stages[0](self.stem(grey.expand(-1, 3, -1, -1)))
        at4 = self.stages[1](x)
        at8 = self.stages[2](at4)
        if self.hint_stem:
            at8 = at8 + self.hint_stem(pool_hints(hints, 8))
        at16 = self.stages[4](self.stages[3](at8))
        at32 = self.stages[6](self.stages[5](at16))
        if self.top:
            at32 = self.top(at32)
        whole = F.dropout(at32.mean((2, 3)), DROPOUT, self.training and self.top is not None)
        context = self.context(whole)[:, :, None, None]
        x = self.neck(torch.cat([at32, pool_hints(hints, 32)], 1)) + context
        x = self.up16(x, at16, pool_hints(hints, 16))
        x = self.up8(x, at8, pool_hints(hints, 8))
        x = self.up4(x, at4, pool_hints(hints, 4))
        logits: Tensor = self.head(x)
        return (logits, at32) if self.shows_top and self.training else logits


def network_of(state: dict[str, Tensor]) -> Coloria:
    """The network that these weights belong to, with them."""
    width = len(state["stages.2.0.layers.2.0.weight"])
    encoder = next(name for name, (_, widths) in ENCODERS.items() if widths[2] == width)
    net = Coloria(len(state["head.bias"]), encoder, top="top.0.weight" in state)
    net.load_state_dict(state)
    return net


def load_encoder(net: Coloria, state: dict[str, Tensor]) -> None:
    """Copy EfficientNet-Lite ImageNet weights into the encoder.

    `state` uses the key names of EfficientNet-PyTorch (`_conv_stem`, `_blocks.N._expand_conv`,
    ...). The classifier is not used, nor the last convolution before it by a network without top.
    Raises KeyError or RuntimeError where a key or a shape differs.
    """
    source = iter(key[: -len(".weight")] for key in state if key.endswith(".weight"))
    with torch.no_grad():
        for layer in nn.ModuleList(net.parts()).modules():
            if not isinstance(layer, nn.Conv2d | nn.BatchNorm2d):
                continue
            prefix = next(source)
            layer.load_state_dict(
                {
                    k: state[f"{prefix}.{k}"]
                    for k in layer.state_dict()
                    if k != "num_batches_tracked"
                },
                strict=False,
            )
            if layer.weight.shape != state[f"{prefix}.weight"].shape:
                raise RuntimeError(f"{prefix}: shape differs from the encoder")
