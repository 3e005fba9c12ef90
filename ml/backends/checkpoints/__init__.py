"""Checkpoints of other projects, read without running anything that they hold."""

import pickle
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ml.errors import ModelUnavailable

Net = TypeVar("Net", bound=nn.Module)

# What torch.load is seen to raise on files that are cut short, foreign or hostile.
DAMAGE = (
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    OverflowError,
    struct.error,
)
NAMED = 5  # keys that a message lists before it only counts


def refusal(title: str, path: Path, why: str) -> ModelUnavailable:
    return ModelUnavailable(f"{path.name}: {why}", {"title": title})


def read(path: Path, title: str, allowed: Sequence[type] = ()) -> object:
    """What a file written by torch.save holds: tensors, plain containers and the types `allowed`.
    Of a .safetensors file, the tensors by name.

    Raises ModelUnavailable for `title` if the file is no checkpoint, is cut short, asks for any
    other global (which is never imported or called) or would unpack to more than its size.
    """
    try:
        with path.open("rb") as file:
            start = file.read(256).lstrip().lower()
    except OSError as error:
        raise refusal(title, path, f"cannot be read ({error.strerror})") from None
    if start.startswith((b"<!doctype", b"<html")):
        raise refusal(title, path, "a web page, not a checkpoint; download it again")
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise refusal(title, path, f"damaged or incomplete ({brief(error)})") from None
    check_size(path, title)
    try:
        with torch.serialization.safe_globals(list(allowed)):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise refusal(title, path, f"damaged, or not only weights ({brief(error)})") from None
    except DAMAGE as error:
        raise refusal(title, path, f"damaged or incomplete ({brief(error)})") from None


def check_size(path: Path, title: str) -> None:
    """Refuse an archive that unpacks to more than its own size: torch stores, never deflates."""
    if not zipfile.is_zipfile(path):
        return  # the format before torch 1.6, or cut short: torch.load will say
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError):
        raise refusal(title, path, "damaged: its table of contents cannot be read") from None
    if unpacked > path.stat().st_size:
        raise refusal(title, path, "unpacks to more than its size, as no checkpoint does")


def brief(error: Exception) -> str:
    """The first line of an error that may be a page of advice."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def tensors(held: object, path: Path, title: str) -> dict[str, Tensor]:
    """The state dict that a checkpoint is, or holds under "model" or "state_dict".

    Raises ModelUnavailable if there is none.
    """
    for key in ("model", "state_dict"):
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping) or not held:
        raise refusal(title, path, "holds no weights by name")
    if not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in held.items()):
        raise refusal(title, path, "holds something other than weights by name")
    return dict(held)


def fill(net: Net, state: Mapping[str, Tensor], path: Path, title: str) -> Net:
    """`net`, built on the meta device, with the tensors of `state` as its own: float32, in eval
    mode, without gradients.

    Raises ModelUnavailable that names missing, unknown and misshapen keys.
    """
    wanted = net.state_dict()
    faults = [
        listed("misses", wanted.keys() - state.keys()),
        listed("has unknown", state.keys() - wanted.keys()),
        listed(
            "has another shape of",
            {key for key in wanted.keys() & state.keys() if wanted[key].shape != state[key].shape},
        ),
    ]
    if any(faults):
        raise refusal(title, path, "another model's weights: " + "; ".join(filter(None, faults)))
    own = {key: tensor.to(wanted[key].dtype).contiguous() for key, tensor in state.items()}
    net.load_state_dict(own, strict=True, assign=True)
    return net.eval().requires_grad_(False)


def listed(what: str, keys: set[str]) -> str:
    """'misses a, b and 7 more', or nothing."""
    if not keys:
        return ""
    rest = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return f"{what} {', '.join(sorted(keys)[:NAMED])}{rest}"
