"""BigColor (Kim et al., ECCV 2022): an encoder for the grey photo and the upper part of a BigGAN.

Names, and the order in which parameters are made, are those of the released checkpoints: the
averaged weights come as a list without names, in that order.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDE = 16  # height and width of the input must be multiples of this
CLASSES = 1000
SHARED = 128  # numbers per class
CHUNK = 17  # numbers of z per block
LATENT = 7 * CHUNK
WIDTH = 96
ENTRY = 2  # the block that the encoder's result enters; those before it made it from noise
SN_EPS, BN_EPS = 1e-6, 1e-5
MOMENTUM = 0.1  # of the stored statistics while training
ENCODER = ((1, 1), (1, 2), (2, 4), (4, 8), (8, 8))  # channels in and out, in units of WIDTH
GENERATOR = ((16, 16), (16, 8), (8, 8), (8, 4), (4, 2), (2, 1))
ATTENTION = 3  # the block that attention follows


class Spectral(nn.Module):
    """A weight that is divided by its spectral norm, as one power step from the stored vector u0
    estimates it. u0 is never updated, so the division is done once, by `fold`.
    """

    weight: Tensor
    u0: Tensor

    def remember(self, outputs: int) -> None:
        self.register_buffer("u0", torch.zeros(1, outputs))
        self.register_buffer("sv0", torch.zeros(1))  # upstream's log; unused

    def fold(self) -> None:
        matrix = self.weight.flatten(1)
        right = F.normalize(self.u0 @ matrix, eps=SN_EPS)
        left = F.normalize(right @ matrix.T, eps=SN_EPS)
        self.weight.div_((right @ matrix.T @ left.T).squeeze())


class SNConv(nn.Conv2d, Spectral):
    def __init__(self, cin: int, cout: int, kernel: int, bias: bool = True) -> None:
        super().__init__(cin, cout, kernel, padding=kernel // 2, bias=bias)
        self.remember(cout)


class SNLinear(nn.Linear, Spectral):
    def __init__(self, cin: int, cout: int, bias: bool = True) -> None:
        super().__init__(cin, cout, bias)
        self.remember(cout)


class Norm(nn.Module):
    """Batch norm: by stored statistics in use, by those of the batch in training."""

    stored_mean: Tensor
    stored_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("stored_mean", torch.zeros(channels))
        self.register_buffer("stored_var", torch.ones(channels))

    def affine(self, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
        """gain * (x - mean) / deviation + bias in one pass; gain and bias (B, C) or (C,)."""
        if self.training:
            mean, var = self.stored_mean, self.stored_var  # updated in place
            x = F.batch_norm(x, mean, var, None, None, True, MOMENTUM, BN_EPS)
            return torch.addcmul(bias[..., None, None], x, gain[..., None, None])
        scale = gain * torch.rsqrt(self.stored_var + BN_EPS)
        shift = bias - self.stored_mean * scale
        return torch.addcmul(shift[..., None, None], x, scale[..., None, None])


class ConditionalNorm(Norm):
    """Gain and bias depend on the condition y (B, n); spectral in the generator only."""

    def __init__(self, channels: int, condition: int, spectral: bool) -> None:
        super().__init__(channels)
        linear = SNLinear if spectral else nn.Linear
        self.gain = linear(condition, channels, bias=False)
        self.bias = linear(condition, channels, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.affine(x, 1 + self.gain(y), self.bias(y))


class LearnedNorm(Norm):
    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.affine(x, self.gain, self.bias)


class EncoderBlock(nn.Module):
    def __init__(self, cin: int, cout: int, down: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 1)
        self.conv_1 = nn.Conv2d(cin, cout, 3, padding=1)
        self.conv_2 = nn.Conv2d(cout, cout, 3, padding=1)
        self.normalize_1 = ConditionalNorm(cin, SHARED, spectral=False)
        self.normalize_2 = ConditionalNorm(cout, SHARED, spectral=False)
        self.down = down

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = F.relu(self.normalize_1(x, y))
        if self.down:
            x, h = F.avg_pool2d(x, 2), F.avg_pool2d(h, 2)
        h = F.relu(self.normalize_2(self.conv_1(h), y))
        out: Tensor = self.conv(x) + self.conv_2(h)
        return out


class Encoder(nn.Module):
    """Grey (B, 1, H, W), 0..1, and the class (B, SHARED) to (B, 8 WIDTH, H/16, W/16)."""

    def __init__(self) -> None:
        super().__init__()
        for index, (cin, cout) in enumerate(ENCODER, 1):
            channels = 1 if index == 1 else cin * WIDTH
            self.add_module(f"res{index}", EncoderBlock(channels, cout * WIDTH, down=index > 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        for block in self.children():
            x = block(x, y)
        return x


class Affine(nn.Module):
    """A gain and a bias that are in the checkpoint and unused."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))


class GeneratorBlock(nn.Module):
    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.conv1 = SNConv(cin, cout, 3)
        self.conv2 = SNConv(cout, cout, 3)
        self.conv_sc = SNConv(cin, cout, 1)
        self.bn1 = ConditionalNorm(cin, SHARED + CHUNK, spectral=True)
        self.bn2 = ConditionalNorm(cout, SHARED + CHUNK, spectral=True)
        self.in1, self.in2 = Affine(cin), Affine(cout)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = F.interpolate(F.relu(self.bn1(x, y)), scale_factor=2.0)
        h = self.conv2(F.relu(self.bn2(self.conv1(h), y)))
        # 1x1 and nearest-neighbour commute: the shortcut is computed before the upsampling.
        out: Tensor = h + F.interpolate(self.conv_sc(x), scale_factor=2.0)
        return out


class Attention(nn.Module):
    """Every position looks at every pooled position (Zhang et al. 2019, SAGAN)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta = SNConv(channels, channels // 8, 1, bias=False)
        self.phi = SNConv(channels, channels // 8, 1, bias=False)
        self.g = SNConv(channels, channels // 2, 1, bias=False)
        self.o = SNConv(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.tensor(0.0))

    def forward(self, x: Tensor) -> Tensor:
        theta = self.theta(x).flatten(2)  # (B, C/8, H W)
        phi = F.max_pool2d(self.phi(x), 2).flatten(2)  # (B, C/8, H W / 4)
        g = F.max_pool2d(self.g(x), 2).flatten(2)  # (B, C/2, H W / 4)
        beta = (theta.transpose(1, 2) @ phi).softmax(-1)
        seen = (g @ beta.transpose(1, 2)).unflatten(2, x.shape[2:])
        out: Tensor = self.gamma * self.o(seen) + x
        return out


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Embedding(CLASSES, SHARED)
        self.linear = SNLinear(CHUNK, 16 * WIDTH * 16)
        blocks = []
        for index, (cin, cout) in enumerate(GENERATOR):
            layers: list[nn.Module] = [GeneratorBlock(cin * WIDTH, cout * WIDTH)]
            if index == ATTENTION:
                layers.append(Attention(cout * WIDTH))
            blocks.append(nn.ModuleList(layers))
        self.blocks = nn.ModuleList(blocks)
        self.output_layer = nn.Sequential(LearnedNorm(WIDTH), nn.ReLU(), SNConv(WIDTH, 3, 3))

    def forward(self, x: Tensor, e: Tensor, z: Tensor) -> Tensor:
        for index in range(ENTRY, len(self.blocks)):
            block, *attention = self.blocks[index].children()
            chunk = z[:, CHUNK * (index + 1) : CHUNK * (index + 2)]
            x = block(x, torch.cat([e, chunk], 1))
            for layer in attention:
                x = layer(x)
        colours: Tensor = self.output_layer(x)
        return colours.tanh()


class BigColor(nn.Module):
    """Colours (B, 3, H, W), -1..1, of grey x (B, 1, H, W), 0..1, class c (B,) and z (B, LATENT).

    `ready` must be called once after the weights are loaded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.E = Encoder()
        self.G = Generator()

    def forward(self, x: Tensor, c: Tensor, z: Tensor) -> Tensor:
        e = self.G.shared(c)
        y: Tensor = self.G(self.E(x, e), e, z)
        return y

    @torch.no_grad()
    def ready(self) -> "BigColor":
        """Drop what is never computed, more than half of the weights, and fold the norms."""
        for layer in self.bare().modules():
            if isinstance(layer, Spectral):
                layer.fold()
        return self

    def bare(self) -> "BigColor":
        """Without the parts that are never computed."""
        del self.G.linear
        for index in range(ENTRY):
            self.G.blocks[index] = nn.ModuleList()
        return self
