"""DeOldify's loader and pipeline in the form that checks against upstream's numbers take."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from ml.backends.deoldify import DeOldify, paint
from ml.images import Photograph
from tests.ml.parity_net import Net, installed


def build_deoldify_artistic(checkpoint: object, case: Mapping[str, object]) -> Net:
    return installed("artistic-x", checkpoint)


def build_deoldify_stable(checkpoint: object, case: Mapping[str, object]) -> Net:
    return installed("stable-x", checkpoint)


def compose_deoldify_artistic(net: Net, image: Image.Image, case: Mapping[str, int]) -> Image.Image:
    assert isinstance(net.colorizer, DeOldify)
    photo = Photograph(pixels=np.asarray(image))
    factor = case["render_factor"]
    painted = paint(net.colorizer.engine, photo, factor, composition="upstream")
    return Image.fromarray(painted.pixels)


compose_deoldify_stable = compose_deoldify_artistic
