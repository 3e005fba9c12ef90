"""Every network by the name that checks against upstream's numbers ask for."""

from tests.ml.parity_deoldify import (
    build_deoldify_artistic,
    build_deoldify_stable,
    compose_deoldify_artistic,
    compose_deoldify_stable,
)

__all__ = [
    "build_deoldify_artistic",
    "build_deoldify_stable",
    "compose_deoldify_artistic",
    "compose_deoldify_stable",
]
