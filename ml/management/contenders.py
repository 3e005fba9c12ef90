"""Who takes part in an evaluation: installed models, files in a model's format, all checkpoints of
a run.
"""

import json
import re
import tempfile
from functools import partial
from pathlib import Path
from pickle import UnpicklingError

from django.conf import settings as project
from django.core.management.base import CommandError

from ml import records, registry
from ml.errors import ColorizeError, ModelUnavailable
from ml.evaluate import Contender
from ml.spec import Colorizer, ModelSpec

# What `train_model` leaves of a family's network on its way, in the format of its project.
FORMATS = {
    "coloria": "*.pt",
    "deoldify": "*.pth",
    "zhang": "*.pth",
    "bigcolor": "EG_EMA_*.ckpt",  # averaged, as the network that is installed in the end
    "cnn": "*.keras",
}


def contenders(wanted: str, checkpoints: Path | None, folder: Path) -> dict[str, Contender]:
    """The rows of the report by name. `wanted` is "installed" or names and NAME=FILE by commas;
    with `checkpoints`, one name. Raises CommandError before any work is done.
    """
    try:
        if checkpoints:
            if wanted == "installed":
                raise CommandError("--checkpoints goes with one model: --models NAME")
            return of_run(registry.get(wanted), checkpoints)
        if wanted == "installed":
            return {spec.name: installed(spec, folder) for spec in registry.installed(folder)}
        named = (entry.partition("=") for entry in wanted.split(","))
        return dict(row(name.strip(), file, folder) for name, _, file in named)
    except ColorizeError as error:
        raise CommandError(f"{error} {error.reason}") from error


def row(name: str, file: str, folder: Path) -> tuple[str, Contender]:
    spec = registry.get(name)
    if not file:
        return name, installed(spec, folder)
    if not Path(file).is_file():
        raise CommandError(f"{file} is not a file")
    return f"{name}={file}", of_file(spec, Path(file))


def installed(spec: ModelSpec, folder: Path) -> Contender:
    """A model as the site would use it. Raises ModelUnavailable."""
    found = registry.state(spec, folder)
    if found != "installed":
        reason = f"{found}: {registry.remedy(spec, folder)}"
        raise ModelUnavailable(reason, {"title": spec.title})
    return Contender(
        partial(registry.load, spec.name, folder=folder, device=project.COLORIA_DEVICE),
        spec.name,
        records.checksum(spec, folder),
        "hints" in spec.options,
    )


def of_run(spec: ModelSpec, folder: Path) -> dict[str, Contender]:
    """Every checkpoint below the folder of a run that tells its step, in the order of steps."""
    steps = {path: step_of(path) for path in folder.rglob(FORMATS[spec.family])}
    told = sorted((step, path) for path, step in steps.items() if step is not None)
    if not told:
        raise CommandError(f"no checkpoints of {spec.name} below {folder}")
    return {
        f"{spec.name}@{path.relative_to(folder).with_suffix('').as_posix()}": of_file(
            spec, path, step
        )
        for step, path in told
    }


def step_of(path: Path) -> int | None:
    """What the side file says, or the number at the end of the name (an epoch, as upstream's)."""
    side = path.with_suffix(".json")
    if side.exists():
        step = json.loads(side.read_text()).get("step")
        return None if step is None else int(step)
    number = re.search(r"(\d+)$", path.stem)
    return int(number[1]) if number else None


def of_file(spec: ModelSpec, path: Path, step: int | None = None) -> Contender:
    return Contender(
        partial(load, spec, path),
        spec.name,
        records.sha256(path),
        "hints" in spec.options,
        step,
    )


def load(spec: ModelSpec, path: Path) -> Colorizer:
    """A checkpoint as a colorizer. Raises ModelUnavailable."""
    if spec.family != "coloria" or path.suffix == ".onnx":
        return registry.load(spec.name, weights=path, device=project.COLORIA_DEVICE)
    try:
        from training.export import export_checkpoints
    except ImportError as error:
        reason = f"{path.name}: checkpoints of a training need torch: install it with `make full`"
        raise ModelUnavailable(reason, {"title": spec.title}) from error
    with tempfile.TemporaryDirectory() as folder:  # ONNX Runtime reads all of it at once
        target = Path(folder) / "weights.onnx"
        try:
            export_checkpoints([path], target)
        except (OSError, KeyError, RuntimeError, ValueError, UnpicklingError) as error:
            raise ModelUnavailable(f"{path.name}: {error}", {"title": spec.title}) from error
        return registry.load(spec.name, weights=target)
