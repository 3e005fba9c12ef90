"""DeOldify's loader and pipeline in the form that checks against upstream's numbers take."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch import nn

from ml.backends.deoldify import DeOldify, build, load, paint
from ml.images import Photograph
from ml.spec import ModelSpec, Weights

SPEC = ModelSpec(
    name="deoldify",
    title="DeOldify",
    family="deoldify",
    backend="ml.backends.deoldify:load",
    weights=Weights("deoldify.pth", sha256="", licence="MIT", publisher="Jason Antic"),
    size=560,
)


def build_deoldify_artistic(checkpoint: object, case: Mapping[str, object]) -> nn.Module:
    """The network of a checkpoint file, or of what such a file holds."""
    if not isinstance(checkpoint, str | Path):
        return build(checkpoint, Path(SPEC.weights.file), SPEC.title)
    colorizer = load(SPEC, Path(checkpoint), "cpu")
    assert isinstance(colorizer, DeOldify)
    return colorizer.net


def compose_deoldify_artistic(
    net: nn.Module, image: Image.Image, case: Mapping[str, int]
) -> Image.Image:
    photo = Photograph(pixels=np.asarray(image))
    result = paint(net, photo, case["render_factor"], composition="upstream")
    return Image.fromarray(result.pixels)


build_deoldify_stable = build_deoldify_artistic  # the file says which it is
compose_deoldify_stable = compose_deoldify_artistic
