"""DeOldify's feature loss: pixels, and what VGG16 sees of them."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.vgg import cfgs, make_layers

from training.nogan.published import torchvision_weights

POOLS = (2, 3, 4)  # the activations just before the third, fourth and fifth max-pool


class FeatureLoss(nn.Module):
    """L1 of the pixels plus weighted L1 of VGG16-BN's activations; all ImageNet-normalised (S037).

    `perceptual` is "imagenet", a file, "random" (untrained features) or "none". Raises
    MissingWeights.
    """

    def __init__(self, perceptual: str, weights: tuple[float, ...]) -> None:
        super().__init__()
        self.weights = weights
        self.parts = nn.ModuleList()
        if perceptual != "none":
            features = vgg_features(perceptual)
            pools = [i for i, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)]
            ends = [0, *(pools[number] for number in POOLS)]
            self.parts.extend(features[start:end] for start, end in pairwise(ends))
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> "FeatureLoss":
        """Always in evaluation mode."""
        return super().train(False)

    def forward(self, painted: Tensor, truth: Tensor) -> Tensor:
        loss = F.l1_loss(painted, truth)
        for part, weight in zip(self.parts, self.weights, strict=False):
            painted = part(painted)
            with torch.no_grad():
                truth = part(truth)
            loss = loss + weight * F.l1_loss(painted, truth)
        return loss


def vgg_features(perceptual: str) -> nn.Sequential:
    """VGG16-BN's convolutions, not in place: an activation that is compared must stay."""
    features: nn.Sequential = make_layers(cfgs["D"], batch_norm=True)
    for layer in features:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    if perceptual == "random":
        for layer in features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
        return features
    state = torchvision_weights("VGG16_BN", perceptual, "perceptual")
    prefix = "features."
    features.load_state_dict(
        {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    )
    return features
