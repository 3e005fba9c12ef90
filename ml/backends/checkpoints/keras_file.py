"""Keras' two file formats, read with h5py alone and within bounds. Neither is unpacked to disk.

.keras is a zip with config.json and model.weights.h5; .h5, the older one, holds both in HDF5.
"""

import io
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import h5py
import numpy as np

from ml.backends.checkpoints.keras_model import Step, Unfit, brief
from ml.color import Array

LARGEST = 256 << 20  # bytes of a file and of what it unpacks to: 38 MB, or 115 with Adam's state
DESCRIPTION = 1 << 20  # bytes of the model's description: 30 kB
ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"

# A layer's variables in the order in which .keras numbers them.
VARIABLES = {
    "Conv2D": ("kernel", "bias"),
    "Conv2DTranspose": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}
GROUPS = {  # what .keras calls the groups of a class
    "Sequential": "sequential",
    "Conv2D": "conv2d",
    "Conv2DTranspose": "conv2d_transpose",
    "BatchNormalization": "batch_normalization",
}


class Stored(Protocol):
    model: Mapping[str, Any]  # the description

    def array(self, step: Step, variable: str, shape: tuple[int, ...]) -> Array:
        """A variable of a layer. Raises Unfit if it is not there in that shape."""


@contextmanager
def opened(path: Path) -> Iterator[Stored]:
    """A file in either format. Raises Unfit, or what h5py and zipfile raise of a damaged one."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Unfit(f"cannot be read ({error.strerror})") from None
    if len(data) > LARGEST:
        raise Unfit(f"larger than {LARGEST >> 20} MiB, as no such model is")
    if data[:256].lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise Unfit("a web page, not a model; download it again")
    if data.startswith(HDF5):
        with h5py.File(io.BytesIO(data), "r") as weights:
            yield Legacy(weights)
    elif data.startswith(ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_names(archive)
            model = json.loads(unpacked(archive, "config.json", DESCRIPTION))
            inner = unpacked(archive, "model.weights.h5", LARGEST)
        with h5py.File(io.BytesIO(inner), "r") as weights:
            yield Archive(model, weights)
    else:
        raise Unfit("neither a .keras nor an .h5 file, or damaged from its first byte")


def check_names(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or names.count(name) > 1:
            raise Unfit(f"has a part {brief(name)} that Keras does not write")
    if len(names) > 1000:
        raise Unfit(f"has {len(names)} parts, as no model has")


def unpacked(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """One part of an archive, of `most` bytes."""
    if name not in archive.namelist():
        raise Unfit(f"no whole model: {name} is missing")
    with archive.open(name) as part:
        data = part.read(most + 1)
    if len(data) > most:
        raise Unfit(f"{name} unpacks to more than {most >> 20} MiB, as no such model does")
    return data


class Archive:
    """model.weights.h5: layers by class and number at each level, variables by number."""

    def __init__(self, model: Mapping[str, Any], weights: h5py.File) -> None:
        self.model, self.weights = model, weights

    def array(self, step: Step, variable: str, shape: tuple[int, ...]) -> Array:
        group = self.weights
        for kind, rank in step.place:
            group = nth(children(group), kind, rank)
        number = VARIABLES[step.kind].index(variable)
        return values(child(child(group, "vars"), str(number)), shape)


def children(group: h5py.Group) -> h5py.Group:
    """What holds the layers of a model or block, as Keras 3 or Keras 2 calls it."""
    names = ("layers", "_layer_checkpoint_dependencies")
    return child(group, next((name for name in names if name in listed(group)), names[0]))


def nth(group: h5py.Group, kind: str, rank: int) -> h5py.Group:
    """The layer of a class at `rank`. Some versions leave numbers out, none changes the order."""
    found = [re.fullmatch(rf"{GROUPS[kind]}(?:_(\d{{1,9}}))?", name) for name in listed(group)]
    names = [match.group() for match in sorted(filter(None, found), key=lambda m: int(m[1] or 0))]
    if rank >= len(names):
        raise Unfit(f"holds weights of {len(names)} layers {kind}, not of {rank + 1}")
    return child(group, names[rank])


class Legacy:
    """.h5: each layer's or block's variables with a list of their names."""

    def __init__(self, file: h5py.File) -> None:
        described = texts(file, "model_config")
        if len(described) != 1:
            raise Unfit("no whole model: weights without a description, or none at all")
        self.model: Mapping[str, Any] = json.loads(described[0])
        self.weights = child(file, "model_weights")

    def array(self, step: Step, variable: str, shape: tuple[int, ...]) -> Array:
        group = child(self.weights, step.owner)
        names = [
            name
            for name in texts(group, "weight_names")
            if name.rpartition("/")[2].partition(":")[0] == variable
        ]
        if len(names) != 1:
            raise Unfit(f"holds {len(names)} variables {variable} of {brief(step.owner)}, not one")
        return values(child(group, names[0]), shape)


def texts(group: h5py.Group, name: str) -> list[str]:
    """Texts in an attribute, or none."""
    if name not in group.attrs:
        return []
    stored = group.attrs.get_id(name)
    if math.prod(stored.shape) > 1000 or stored.get_storage_size() > DESCRIPTION:
        raise Unfit(f"has more in {name} than any model")
    held = np.atleast_1d(group.attrs[name])
    found = [text.decode() if isinstance(text, bytes) else str(text) for text in held]
    if sum(map(len, found)) > DESCRIPTION:
        raise Unfit(f"has more in {name} than any model")
    return found


def listed(group: h5py.Group) -> list[str]:
    if not isinstance(group, h5py.Group):
        raise Unfit("has variables where layers should be")
    return list(group)


def child(group: h5py.Group, path: str) -> Any:
    """What lies in a group itself. Links to elsewhere, in this file or another, are not followed:
    whether one leads anywhere is not even asked.
    """
    for name in path.split("/"):
        links = group.id.links if isinstance(group, h5py.Group) else None
        if links is None or not name or not links.exists(name.encode()):
            raise Unfit(f"no whole model: weights {brief(path)} are missing")
        if links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            raise Unfit(f"has a link in place of weights {brief(path)}")
        group = group[name]
    return group


def values(dataset: object, shape: tuple[int, ...]) -> Array:
    """A variable that lies in the file whole and as it is: float32, in one piece, uncompressed."""
    if not isinstance(dataset, h5py.Dataset):
        raise Unfit("has layers where variables should be")
    name = brief(dataset.name)
    if dataset.shape != shape:
        raise Unfit(f"another model: {name} is of shape {brief(dataset.shape)}, not {shape}")
    if dataset.dtype != np.float32:
        raise Unfit(f"{name} holds {brief(dataset.dtype)}, not float32")
    if dataset.is_virtual or dataset.external:
        raise Unfit(f"{name} lies in another file")
    filters = dataset.id.get_create_plist().get_nfilters()
    if filters or dataset.id.get_storage_size() != math.prod(shape) * 4:
        raise Unfit(f"{name} is compressed or incomplete, as Keras writes nothing")
    return np.asarray(dataset[()], np.float32)
