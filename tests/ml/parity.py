"""Every network by the name that checks against upstream's numbers ask for."""

from tests.ml.parity_bigcolor import build_bigcolor, compose_bigcolor
from tests.ml.parity_cnn import build_keras_unet, compose_keras_unet
from tests.ml.parity_deoldify import (
    build_deoldify_artistic,
    build_deoldify_stable,
    compose_deoldify_artistic,
    compose_deoldify_stable,
)
from tests.ml.parity_zhang import (
    build_zhang_eccv16,
    build_zhang_siggraph17,
    compose_zhang_eccv16,
    compose_zhang_siggraph17,
)

__all__ = [
    "build_bigcolor",
    "build_deoldify_artistic",
    "build_deoldify_stable",
    "build_keras_unet",
    "build_zhang_eccv16",
    "build_zhang_siggraph17",
    "compose_bigcolor",
    "compose_deoldify_artistic",
    "compose_deoldify_stable",
    "compose_keras_unet",
    "compose_zhang_eccv16",
    "compose_zhang_siggraph17",
]
