"""The recipes by name; each is `run(data, out, cache, config, preset, resume, device)` and returns
the weights' path.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

MODULES = {"artistic": "nogan", "stable": "nogan"}  # where it is not the recipe's own name


def get(recipe: str) -> Callable[..., Path]:
    """The `run` function of a recipe, imported on first use."""
    run: Callable[..., Path] = importlib.import_module(
        f"training.recipes.{MODULES.get(recipe, recipe)}"
    ).run
    return run
