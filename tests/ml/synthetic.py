"""Checkpoints by rule: every tensor follows from its name, its shape and a seed, bit for bit.

A table of keys has one line per tensor: key, shape, dtype, scale, offset. The singular vectors of
spectral norm come from three power steps only, so that a loader that refines them is found out.
"""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

DATA = Path(__file__).parents[1] / "data" / "parity"
POWER_STEPS = 3

Array = NDArray[np.float32]
Entry = tuple[tuple[int, ...], float, float]  # shape, scale, offset


def keys(model: str) -> dict[str, Entry]:
    """Every tensor of a published checkpoint of `model`."""
    table = {}
    for line in gzip.decompress((DATA / f"{model}.keys.gz").read_bytes()).decode().splitlines():
        key, shape, _, scale, offset = line.split("\t")
        sizes = () if shape == "-" else tuple(int(size) for size in shape.split("x"))
        table[key] = sizes, float(scale), float(offset)
    return table


def uniform(seed: int, name: str, shape: tuple[int, ...]) -> Array:
    """Uniform on (-0.5, 0.5)."""
    count = int(np.prod(shape, dtype=np.int64))
    start = hashlib.sha256(f"{seed}:{name}".encode()).digest()[:16]
    words = np.random.PCG64(int.from_bytes(start, "little")).random_raw((count + 3) // 4)
    short = words.astype("<u8", copy=False).view("<u2")[:count].astype(np.float32)
    return ((short - np.float32(32767.5)) * np.float32(2.0**-16)).reshape(shape)


def unit(seed: int, name: str, shape: tuple[int, ...]) -> Array:
    """Zero mean, unit variance."""
    return np.asarray(uniform(seed, name, shape) * np.float32(12**0.5))


def drawn(seed: int, key: str, table: Mapping[str, Entry]) -> Array:
    """A tensor before scale and offset, of the size that its kind has in trained networks."""
    shape = table[key][0]
    stem, _, leaf = key.rpartition(".")
    if leaf in ("running_var", "stored_var", "moving_variance"):
        return 1 + 0.6 * uniform(seed, key, shape)
    if leaf in ("running_mean", "stored_mean", "moving_mean"):
        return np.float32(0.1) * unit(seed, key, shape)
    if leaf == "gamma" and int(np.prod(shape)) == 1:  # of an attention layer
        return np.full(shape, 0.5, np.float32)
    if leaf == "weight_g" or (leaf in ("weight", "gain", "gamma") and len(shape) == 1):
        return 1 + 0.4 * uniform(seed, key, shape)
    if leaf in ("bias", "beta"):
        norms = {f"{stem}.{kept}_var" for kept in ("running", "stored")}
        norm = leaf == "beta" or not norms.isdisjoint(table)
        spread = 0.1 if norm else 0.05
        return np.float32(spread) * unit(seed, key, shape)
    inputs = shape[:-1] if leaf == "kernel" else shape[1:]  # Keras puts them first
    return unit(seed, key, shape) * np.float32((2.0 / int(np.prod(inputs))) ** 0.5)


def singular(seed: int, key: str, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Left and right vectors of a weight (out, ...) after a few power steps."""
    matrix = weight.flatten(1)
    left = torch.from_numpy(unit(seed, f"{key}:u", (len(matrix),)))
    for _ in range(POWER_STEPS):
        right = F.normalize(matrix.t() @ left, dim=0)
        left = F.normalize(matrix @ right, dim=0)
    return left, right


def entries(table: Mapping[str, Entry], seed: int) -> Iterator[tuple[str, Tensor]]:
    for key, (shape, scale, offset) in table.items():
        stem, _, leaf = key.rpartition(".")
        if leaf == "num_batches_tracked":
            digest = hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()
            yield key, torch.tensor(1000 + int(digest[:4], 16))
        elif leaf in ("weight_u", "u0", "sv0") or (
            leaf == "weight_v" and f"{stem}.weight_orig" in table
        ):
            continue  # comes with its weight
        else:
            values = np.float32(offset) + np.float32(scale) * drawn(seed, key, table)
            tensor = torch.from_numpy(np.asarray(values, np.float32).reshape(shape))
            yield key, tensor
            if leaf == "weight_orig":
                left, right = singular(seed, key, tensor)
                yield f"{stem}.weight_u", left
                yield f"{stem}.weight_v", right
            elif f"{stem}.u0" in table and leaf == "weight":
                left, right = singular(seed, key, tensor)
                yield f"{stem}.u0", left[None]
                yield f"{stem}.sv0", (left @ (tensor.flatten(1) @ right)).reshape(1)


def state_dict(
    model: str, seed: int, table: Mapping[str, Entry] | None = None
) -> dict[str, Tensor]:
    """The tensors of a published checkpoint of `model`, or those in `table`, drawn."""
    return dict(entries(keys(model) if table is None else table, seed))
