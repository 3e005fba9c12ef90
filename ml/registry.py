"""The table of models. A new model of a known family is one new row here."""

import functools
import hashlib
import importlib
from pathlib import Path
from typing import Literal

from ml.errors import ModelUnavailable, UnknownModel
from ml.spec import Colorizer, ModelSpec, Weights

State = Literal["installed", "missing", "corrupt"]

ALL = "all"  # every installed model
DEFAULT = "coloria"

MODELS: dict[str, ModelSpec] = {
    "coloria": ModelSpec(
        name="coloria",
        title="Coloria",
        family="coloria",
        backend="ml.backends.coloria:load",
        weights=Weights(
            file="coloria.onnx",
            sha256="23d778ff77a9e9bb9653485f9d982280dcb7eab1dedca180ee36c9a0b761ec3f",
            licence="Apache-2.0",
            publisher="COLORIA",
        ),
        size=192,
        options=("strength", "hints"),
        summary="Small, offline and fast: the model that comes with COLORIA.",
        bundled=True,
    ),
}


def get(name: str) -> ModelSpec:
    """The row of a model. Raises UnknownModel."""
    try:
        return MODELS[name]
    except KeyError:
        raise UnknownModel(f"{name!r} is not in the registry") from None


def load(
    name: str, weights: Path | None = None, device: str = "auto", folder: Path = Path("var/weights")
) -> Colorizer:
    """A colorizer of model `name` with its own weights, or with the checkpoint at `weights` in the
    model's format.

    Raises UnknownModel, or ModelUnavailable whose reason says how to install the weights.
    """
    spec = get(name)
    if weights is None:
        weights = spec.path(folder)
        found = state(spec, folder)
        if found != "installed":
            raise ModelUnavailable(f"{found}: {remedy(spec, folder)}", {"title": spec.title})
    module, _, function = spec.backend.partition(":")
    build = getattr(importlib.import_module(module), function)
    colorizer: Colorizer = build(spec, weights, device)
    return colorizer


def state(spec: ModelSpec, folder: Path = Path("var/weights")) -> State:
    """Whether the weights are there and are the ones that were published."""
    path = spec.path(folder)
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "missing"
    return (
        "installed"
        if digest(path, stat.st_size, stat.st_mtime_ns) == spec.weights.sha256
        else "corrupt"
    )


def installed(folder: Path = Path("var/weights")) -> list[ModelSpec]:
    """The models that can colour a photo now, in the order of the table."""
    return [spec for spec in MODELS.values() if state(spec, folder) == "installed"]


def remedy(spec: ModelSpec, folder: Path = Path("var/weights")) -> str:
    """What installs or mends the weights."""
    if spec.bundled:
        return f"git checkout -- ml/weights/{spec.weights.file}"
    return f"put {spec.weights.file} (sha256 {spec.weights.sha256}) into {folder}"


@functools.lru_cache(maxsize=64)
def digest(path: Path, size: int, modified: int) -> str:
    """sha256 of a file; asked again only if its size or time changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
