"""Runs that are killed, and what they left."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parents[2]
PATIENCE = 240  # seconds until a run must have written its first checkpoint


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "COLORIA_VAR": str(folder / "var"), "OMP_NUM_THREADS": "1"}


def finish(command: list[str], folder: Path) -> str:
    """Run to the end; what it said on stderr."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def kill_early(command: list[str], out: Path, folder: Path) -> int:
    """Kill -9 after the first checkpoint; the step it was at."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(folder), stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + PATIENCE
    while not (out / "last.json").exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return int(json.loads((out / "last.json").read_text())["step"])


def same(one: Any, other: Any, place: str = "") -> None:
    """Equal to the last bit, tensor by tensor; how long it took does not count."""
    assert type(one) is type(other), place
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key in one.keys() - {"seconds"}:
            same(one[key], other[key], f"{place}/{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for index, pair in enumerate(zip(one, other, strict=True)):
            same(*pair, f"{place}/{index}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    else:
        assert one == other, place


def curve(out: Path, tag: str) -> dict[int, float]:
    """Step to value of a TensorBoard scalar; a resumed run's later file goes before."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    values: dict[int, float] = {}
    for file in sorted((out / "tensorboard").iterdir()):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                if value.tag == tag:
                    values[event.step] = value.tensor.float_val[0]
    return values


def tags(out: Path) -> set[str]:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    (file,) = (out / "tensorboard").iterdir()
    return {v.tag for event in EventFileLoader(str(file)).Load() for v in event.summary.value}
