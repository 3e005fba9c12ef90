"""Files as Keras writes them, made without Keras: python -m tests.ml.keras_file NAME=FOLDER ...

tests/data/parity/cnn.files.gz holds, of real files of several versions, everything but the numbers:
descriptions, groups, attributes, and which array of get_weights() lies where. The command above
takes it anew from FOLDER, where keras_unet.py has written my_model.keras and my_model.h5 with the
arrays of `arrays()`.
"""

import functools
import gzip
import io
import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from tests.ml.synthetic import DATA, state_dict

KEPT = DATA / "cnn.files.gz"
SEED = 20260101

Array = NDArray[np.float32]
Held = dict[str, Any]


@functools.cache
def arrays(seed: int = SEED) -> list[Array]:
    """What get_weights() of a model with synthetic weights gives."""
    return [np.asarray(tensor) for tensor in state_dict("keras_unet", seed).values()]


@functools.cache
def kept() -> dict[str, dict[str, Held]]:
    """By version: "config", "weights" (of .keras) and "h5"."""
    found: dict[str, dict[str, Held]] = json.loads(gzip.decompress(KEPT.read_bytes()))
    return found


def write(path: Path, version: str, numbers: Sequence[Array] | None = None, **other: Any) -> Path:
    """A .keras or .h5 file, by the suffix of `path`, with the first of the weights, or all.

    other: `config` in place of the version's own.
    """
    numbers, held = arrays() if numbers is None else numbers, kept()[version]
    if path.suffix == ".h5":
        tree = held["h5"]
        if "config" in other:
            own = {**tree["attributes"][""], "model_config": json.dumps(other["config"])}
            tree = {**tree, "attributes": {**tree["attributes"], "": own}}
        path.write_bytes(hdf5(tree, numbers))
        return path
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        archive.writestr("config.json", json.dumps(other.get("config", held["config"])))
        archive.writestr("model.weights.h5", hdf5(held["weights"], numbers))
    return path


def config(version: str, suffix: str) -> Held:
    """A copy of a version's description of the model."""
    held = kept()[version]
    text = held["h5"]["attributes"][""]["model_config"] if suffix == ".h5" else None
    found: Held = json.loads(text or json.dumps(held["config"]))
    return found


def hdf5(tree: Mapping[str, Any], numbers: Sequence[Array]) -> bytes:
    """An HDF5 file of `tree`, with those of its arrays whose numbers there are."""
    target = io.BytesIO()
    with h5py.File(target, "w") as file:
        for name, attributes in tree["attributes"].items():
            group = file.require_group(name or "/")
            for key, value in attributes.items():
                text = isinstance(value, list)
                group.attrs[key] = np.array(value, "S") if text and value else value
        for name, number in tree["arrays"].items():
            if number < len(numbers):
                file[name] = numbers[number]
    return target.getvalue()


def tree(file: h5py.File, numbers: Sequence[Array]) -> Held:
    """Everything in an HDF5 file but the numbers, and without the optimiser's state."""
    found: Held = {"attributes": {"": attributes(file)}, "arrays": {}}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if name.startswith("optimizer"):
            return
        if isinstance(item, h5py.Group):
            found["attributes"][name] = attributes(item)
        else:
            same = (n for n, array in enumerate(numbers) if np.array_equal(array, item[()]))
            found["arrays"][name] = next(same)

    file.visititems(visit)
    return found


def attributes(item: h5py.Group) -> Held:
    return {name: readable(value) for name, value in item.attrs.items()}


def readable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [readable(part) for part in value]
    return value.decode() if isinstance(value, bytes) else str(value)


def take(folder: Path) -> dict[str, Held]:
    with zipfile.ZipFile(folder / "my_model.keras") as archive:
        config = json.loads(archive.read("config.json"))
        with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
            weights = tree(file, arrays())
    with h5py.File(folder / "my_model.h5") as file:
        return {"config": config, "weights": weights, "h5": tree(file, arrays())}


def main() -> None:
    given = [argument.partition("=") for argument in sys.argv[1:]]
    found = {name: take(Path(folder)) for name, _, folder in given}
    text = json.dumps(found, separators=(",", ":")).encode()
    KEPT.write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main()
