"""BigColor's perceptual loss: distances between VGG16's features (S075)."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.biggan import published
from training.errors import MissingWeights, TrainingError

CACHED = "vgg16-397923af.pth"  # torchvision's name of its ImageNet weights
RESIZED, CROPPED = 256, 224  # pixels: shorter side, then the centre
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, per channel


class Features(nn.Module):
    """Mean squared distance of the features after `layers`, mean over them, and divided by the
    batch as upstream does: its coefficient was chosen with that.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, vgg: nn.Sequential, layers: tuple[int, ...]) -> None:
        super().__init__()
        self.vgg = nn.ModuleList(list(vgg)[: max(layers) + 1])
        self.vgg.eval().requires_grad_(False)
        for layer in self.vgg:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False  # layer 2's features must not become layer 3's
        self.layers = set(layers)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        self.register_buffer("deviation", torch.tensor(DEVIATION)[:, None, None])

    def features(self, photo: Tensor) -> list[Tensor]:
        """Of photos (B, 3, H, W), 0..1."""
        height, width = photo.shape[2:]
        scale = RESIZED / min(height, width)
        size = (round(height * scale), round(width * scale))
        x = F.interpolate(photo, size, mode="bilinear", antialias=True) if scale != 1 else photo
        top, left = ((length - CROPPED) // 2 for length in x.shape[2:])
        x = (x[:, :, top : top + CROPPED, left : left + CROPPED] - self.mean) / self.deviation
        found = []
        for index, layer in enumerate(self.vgg):
            x = layer(x)
            if index in self.layers:
                found.append(x)
        return found

    def forward(self, truth: Tensor, result: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = self.features(truth)
        pairs = zip(self.features(result), wanted, strict=True)
        distances = [F.mse_loss(one, other) for one, other in pairs]
        return torch.stack(distances).mean() / len(truth)


def build(kind: str, path: str, layers: tuple[int, ...]) -> Features:
    """`kind` is vgg, with the weights at `path` or in torchvision's cache, or random, untrained.

    Raises MissingWeights, or TrainingError for another kind.
    """
    if kind not in ("vgg", "random"):
        raise TrainingError(f"perceptual={kind} is not known; it is vgg, random or none")
    try:
        from torchvision.models.vgg import cfgs, make_layers
    except ImportError as error:
        raise MissingWeights(
            "The perceptual loss needs torchvision: install it with `make full`, or train without "
            "that loss: --set perceptual=none."
        ) from error
    state = weights(path) if kind == "vgg" else None
    net: nn.Sequential = make_layers(cfgs["D"])  # the convolutions of VGG16
    for layer in net:
        if isinstance(layer, nn.Conv2d):  # as torchvision begins
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    if state is not None:
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise TrainingError(f"path_vgg holds no VGG16: {error}") from error
    return Features(net, layers)


def weights(path: str) -> dict[str, Tensor]:
    """VGG16's convolutions by name, from a file with or without the classifier."""
    file = Path(path) if path else Path(torch.hub.get_dir()) / "checkpoints" / CACHED
    if not file.is_file():
        raise MissingWeights(
            f"The perceptual loss needs VGG16's ImageNet weights, and {file} is not there. Save "
            f"https://download.pytorch.org/models/{CACHED} and name it with --set path_vgg=FILE, "
            "or choose another run: --set perceptual=random (an untrained VGG16) or "
            "perceptual=none."
        )
    held = {name.removeprefix("features."): value for name, value in published(file).items()}
    return {name: value for name, value in held.items() if not name.startswith("classifier")}
