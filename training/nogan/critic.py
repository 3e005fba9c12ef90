"""The critic that tells the generator's pictures from photos."""

from torch import nn
from torch.nn.utils import spectral_norm

from ml.nets.deoldify import SelfAttention

BLOCKS = 3
LEAK = 0.2


def conv(cin: int, cout: int, kernel: int, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(cin, cout, kernel, stride, (kernel - 1) // 2)
    nn.init.kaiming_normal_(layer.weight)
    return nn.Sequential(spectral_norm(layer), nn.LeakyReLU(LEAK))


def attention(channels: int) -> SelfAttention:
    module = SelfAttention(channels)
    for layer in (module.query, module.key, module.value):
        nn.init.kaiming_normal_(layer.weight)
        spectral_norm(layer)
    return module


def critic(features: int = 256, dropout: float = 0.15) -> nn.Sequential:
    """Logits (B, places), above zero for a photo, of pictures (B, 3, S, S) with S >= 64 (S045)."""
    layers: list[nn.Module] = [conv(3, features, 4, 2), nn.Dropout2d(dropout / 2)]
    for block in range(BLOCKS):
        layers += [
            conv(features, features, 3),
            nn.Dropout2d(dropout),
            conv(features, 2 * features, 4, 2),
        ]
        features *= 2
        if block == 0:
            layers.append(attention(features))
    last = nn.Conv2d(features, 1, 4, bias=False)
    nn.init.kaiming_normal_(last.weight)
    return nn.Sequential(*layers, conv(features, features, 3), spectral_norm(last), nn.Flatten())
