"""Checkpoints: weights and optimiser state in one file, a JSON side file beside it, both replaced
atomically.
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.errors import NonFiniteLoss, TrainingError


def write_atomic(path: Path, write: Any) -> None:
    """Call `write(temporary path)`, then move the file to `path`; a crash or a full disk leaves the
    old file whole.
    """
    temporary = path.with_name(path.name + ".part")
    write(temporary)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def save(path: Path, state: dict[str, Any], record: dict[str, Any]) -> None:
    """Write `state` to `path` and `record` with the environment to `path` + .json."""
    write_atomic(path, lambda part: torch.save(state, part))
    describe(path, record)


def describe(path: Path, record: dict[str, Any]) -> None:
    record = {**record, "environment": environment()}
    write_atomic(
        path.with_suffix(".json"), lambda part: part.write_text(json.dumps(record, indent=1))
    )


def again(path: Path, written: Path, record: dict[str, Any]) -> None:
    """What `written` holds under another name too, at the cost of no second copy where the file
    system has links.
    """
    temporary = path.with_name(path.name + ".part")
    temporary.unlink(missing_ok=True)
    try:
        os.link(written, temporary)
    except OSError:
        shutil.copyfile(written, temporary)
    temporary.replace(path)
    temporary.unlink(missing_ok=True)  # replacing a file by itself leaves both names
    describe(path, record)


def require_finite(values: Iterable[Tensor], step: int, last: Path) -> None:
    """`step` steps are done. Raises NonFiniteLoss rather than let weights that are lost become the
    last good checkpoint.
    """
    if not all(bool(value.isfinite().all()) for value in values):
        raise NonFiniteLoss(
            f"step {step - 1} made weights infinite; the last good checkpoint is {last}"
        )


def note_split(out: Path, held_out: dict[str, list[str]], resumed: bool) -> None:
    """Write split.json: the names of the photos held out. Raises TrainingError if there is none, or
    if a run that goes on held out others.
    """
    if not held_out["valid"]:
        raise TrainingError("too few photos: at least one is held out to measure on")
    path = out / "split.json"
    if resumed and path.exists() and json.loads(path.read_text()) != held_out:
        raise TrainingError(
            f"other photos would be held out than {path} says: the photos below --data, or "
            "settings that divide them, are not those of before. Go on with those, or begin in "
            "another --out"
        )
    write_atomic(path, lambda part: part.write_text(json.dumps(held_out)))


def load(path: Path) -> dict[str, Any]:
    """The state saved at `path`, tensors on the CPU; nothing but tensors and plain values is
    unpickled.
    """
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def environment() -> dict[str, str]:
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {gpu}",
        "revision": git.stdout.strip() or "unknown",
    }
