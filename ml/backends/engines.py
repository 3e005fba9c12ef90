"""What runs a network: OpenVINO on a processor, torch with autocast on a GPU.

An engine takes and returns numpy arrays. On a processor torch is imported only once per model, to
convert it; later loads read OpenVINO's own files beside the weights, which are made anew if they
are not as they were written. benchmarks/networks.py compares the engines.
"""

import importlib
import importlib.util
import json
import logging
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ml import records
from ml.color import Array
from ml.compose import threads
from ml.errors import ModelUnavailable
from ml.spec import ModelSpec

if TYPE_CHECKING:
    from torch import nn

XML, BIN, SEAL = "network.xml", "network.bin", "seal.json"
RAW, AVERAGED = "EG_", "EG_EMA_"  # how the names of BigColor's files begin
DRIVER = Path("/proc/driver/nvidia/version")  # there without torch to ask

Input = NDArray[Any]

log = logging.getLogger(__name__)


class Engine(Protocol):
    def __call__(self, *inputs: Input) -> Array:
        """The network's answer to its inputs, each with the batch first."""


def load(
    spec: ModelSpec,
    path: Path,
    device: str,
    examples: Sequence[Input],
    tiled: Sequence[str] = (),
) -> Engine:
    """The engine of an installed model's folder, or of a checkpoint in its project's format.

    examples: one small array per input. Pictures, (B, C, H, W), may come in any other height and
    width. tiled: parts of the network whose 3x3 convolutions a processor does by tiles
    (`ml.backends.winograd`). Raises ModelUnavailable if the checkpoint is refused or its framework
    is not installed.
    """
    try:
        if gpu(device):
            return TorchEngine(network(spec, path), "cuda" if device == "auto" else device)
        return on_processor(spec, path, examples, tiled)
    except ModuleNotFoundError as error:
        reason = f"{error.name} is not installed: run `make full`"
        raise ModelUnavailable(reason, {"title": spec.title}) from error


def gpu(device: str) -> bool:
    """Whether `device` (auto, cpu, cuda or cuda:1) means a GPU here; imports torch only where one
    may be.
    """
    if device != "auto":
        return device.startswith("cuda")
    if not (DRIVER.exists() and importlib.util.find_spec("torch")):
        return False
    import torch

    return torch.cuda.is_available()


def network(spec: ModelSpec, path: Path) -> "nn.Module":
    """The torch module of an installed folder or of a checkpoint file. Raises ModelUnavailable."""
    if path.is_dir():
        return read(spec, [records.trusted(spec, path)])
    if path.name.startswith(AVERAGED):  # a list without names: the raw weights beside it have them
        return read(spec, [path.with_name(path.name.replace(AVERAGED, RAW, 1)), path])
    return read(spec, [path])


def read(spec: ModelSpec, paths: Sequence[Path]) -> "nn.Module":
    """The torch module of checkpoint files in the format of the model's project. Raises
    ModelUnavailable.
    """
    module, _, function = spec.network.partition(":")
    return cast("nn.Module", getattr(importlib.import_module(module), function)(paths, spec.title))


def on_processor(
    spec: ModelSpec, path: Path, examples: Sequence[Input], tiled: Sequence[str]
) -> "OpenVino":
    import openvino

    if not path.is_dir():
        return OpenVino(convert(network(spec, path), examples, tiled))
    release = openvino.get_version().partition("-")[0]
    kept, source = path / f"openvino-{release}", " ".join([origin(path), *tiled])
    if not intact(kept, source):
        model = convert(network(spec, path), examples, tiled)
        try:
            keep(model, kept, source)
        except (OSError, RuntimeError) as error:  # OpenVINO calls a full disk a RuntimeError
            log.warning("%s: the converted network cannot be kept (%s)", spec.name, error)
            return OpenVino(model)
    return OpenVino(openvino.Core().read_model(kept / XML))  # maps the file, holds no copy of it


def convert(net: "nn.Module", examples: Sequence[Input], tiled: Sequence[str] = ()) -> Any:
    """OpenVINO's model of a torch module, for any height and width."""
    import openvino
    import torch

    from ml.backends.winograd import Winograd, small_kernels

    for part, layer in small_kernels(net, tiled):
        net.set_submodule(part, Winograd(layer))

    inputs = tuple(torch.from_numpy(example) for example in examples)
    shapes = [[*x.shape[:2], -1, -1] if x.ndim == 4 else list(x.shape) for x in examples]
    with torch.inference_mode():
        traced = torch.jit.trace(net, inputs, check_trace=False)  # type: ignore[no-untyped-call]
        return openvino.convert_model(traced, input=shapes, example_input=inputs)


def origin(path: Path) -> str:
    """sha256 of the installed weights in a folder; "" where its record does not tell."""
    try:
        record = records.read(path)
    except ValueError:
        return ""
    return record.sha256 if record else ""


def seal(kept: Path, source: str) -> dict[str, str]:
    """What OpenVINO's pair of files was made of, and every byte of it."""
    return {"source": source} | {name: records.sha256(kept / name) for name in (XML, BIN)}


def intact(kept: Path, source: str) -> bool:
    """Whether the pair is as it was written, and of these weights and tiled parts."""
    try:
        return bool(json.loads((kept / SEAL).read_text()) == seal(kept, source))
    except (OSError, ValueError):
        return False


def keep(model: Any, kept: Path, source: str) -> None:
    """Write OpenVINO's pair of files; one rename puts it in place. Those of other releases go.

    Raises OSError or RuntimeError if the disk refuses.
    """
    import openvino

    new = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        new.mkdir()
        openvino.save_model(model, new / XML, compress_to_fp16=False)
        (new / SEAL).write_text(json.dumps(seal(new, source)))
        if not intact(kept, source):  # another worker may have been quicker
            for old in set(kept.parent.glob("openvino-*")) - {new}:
                shutil.rmtree(old, ignore_errors=True)
            new.rename(kept)
    finally:
        shutil.rmtree(new, ignore_errors=True)


class OpenVino:
    def __init__(self, model: Any) -> None:
        import openvino

        wishes = {
            "INFERENCE_PRECISION_HINT": "f32",  # some processors would take bfloat16 unasked
            "INFERENCE_NUM_THREADS": threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.compiled = openvino.Core().compile_model(model, "CPU", wishes)

    def __call__(self, *inputs: Input) -> Array:
        answer = self.compiled(list(inputs))
        return np.asarray(answer[0], np.float32)


class TorchEngine:
    """Eager torch. On a GPU in half precision where torch's autocast deems it safe."""

    def __init__(self, net: "nn.Module", device: str) -> None:
        self.net, self.device = net.to(device), device

    def __call__(self, *inputs: Input) -> Array:
        import torch

        placed = [torch.from_numpy(np.ascontiguousarray(x)).to(self.device) for x in inputs]
        with torch.inference_mode(), torch.autocast("cuda", enabled=self.device != "cpu"):
            answer = self.net(*placed)
        return np.asarray(answer.float().cpu(), np.float32)
