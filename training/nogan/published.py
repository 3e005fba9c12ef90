"""ImageNet weights that a run starts from or measures with; never fetched behind anybody's back."""

import hashlib
from pathlib import Path

import torch
import torchvision
from torch import Tensor

from training.errors import MissingWeights

ALTERNATIVES = {
    "encoder": "train the encoder from nothing: --set encoder=random",
    "perceptual": "measure with random features: --set perceptual=random; or by pixels alone: "
    "--set perceptual=none",
}


def torchvision_weights(architecture: str, choice: str, setting: str) -> dict[str, Tensor]:
    """The first published ImageNet weights of `architecture` ("ResNet34"): from torchvision's cache
    if `choice` is "imagenet", else from the file it names.

    Raises MissingWeights, which says where to get them and how to do without.
    """
    url = getattr(torchvision.models, f"{architecture}_Weights").IMAGENET1K_V1.url
    name = url.rpartition("/")[2]
    cached = Path(torch.hub.get_dir()) / "checkpoints" / name
    path = cached if choice == "imagenet" else Path(choice)
    if not path.is_file():
        raise MissingWeights(
            f"The ImageNet weights of {architecture} are missing: {path} does not exist. Download "
            f"{url} there, or name your copy: --set {setting}=/path/to/{name}. Or "
            f"{ALTERNATIVES[setting]}."
        )
    if choice == "imagenet":
        check(path)
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def check(path: Path) -> None:
    """The name ends in the first digits of the sha256. Raises MissingWeights."""
    digits = path.stem.rpartition("-")[2]
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(digits):
        raise MissingWeights(f"{path} is damaged: its sha256 begins {found[:8]}, not {digits}.")
