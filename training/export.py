"""A trained network as one ONNX file.

    python -m training.export OUT.onnx RUN/ema_STEP.pt [...]

Of several checkpoints of one run the mean of their weights.
"""

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from torch import Tensor

from ml.nets.coloria import OUTPUT_STRIDE, network_of
from training import checkpoint

logger = logging.getLogger(__name__)

RARITY = "rarity.json"  # weights (Q,) of the bins in the loss, beside the checkpoints
SMALL = 4096  # bytes; biases and constants below it stay in single precision
TOLERANCE = 0.1  # of logits between torch and ONNX Runtime: the weights' half precision


def halve_weights(model: onnx.ModelProto, small: int = SMALL) -> None:
    """Store the weights in half precision, cast back when the file is loaded: half the size, the
    same arithmetic. Tensors of fewer than `small` bytes stay.
    """
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or len(tensor.raw_data) < small:
            continue
        half = numpy_helper.from_array(
            numpy_helper.to_array(tensor).astype(np.float16), tensor.name + "_half"
        )
        casts.append(
            helper.make_node("Cast", [half.name], [tensor.name], to=onnx.TensorProto.FLOAT)
        )
        tensor.CopyFrom(half)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def export_checkpoints(sources: list[Path], path: Path) -> None:
    """A checkpoint of `train_model coloria`, its averaged weights, as ONNX: what the run would have
    given had it ended there; of several of one run, the mean of their weights.

    Raises FileNotFoundError without the run's rarity.json beside the first.
    """
    rarity = sources[0].parent / RARITY
    if not rarity.exists():
        raise FileNotFoundError(f"{RARITY} is missing; `train_model coloria --resume` writes it")
    states = [checkpoint.load(source)["ema"] for source in sources]
    mean = {
        key: torch.stack([state[key].double() for state in states]).mean(0).to(value.dtype)
        for key, value in states[0].items()
    }
    export_coloria(mean, torch.tensor(json.loads(rarity.read_text())), path)


def export_coloria(state: dict[str, Tensor], rarity: Tensor, path: Path) -> None:
    """Write the network with weights `state` to `path`: batch 1, height and width free multiples of
    32.

    The loss weighted colours by `rarity` (Q,), which tilts the learnt distribution by the same
    factors; they are taken off the logits, so that the file gives the distribution of the photos.
    Raises RuntimeError if ONNX Runtime computes other numbers than torch.
    """
    net = network_of({**state, "head.bias": state["head.bias"] - rarity.log()}).eval()
    luma, hints = torch.rand(1, 1, 96, 128) * 100, torch.zeros(1, 3, 96, 128)
    hints[:, :, 40:45, 60:65] = torch.tensor([0.3, -0.2, 1.0])[:, None, None]
    axes = {2: "height", 3: "width"}
    small = {2: f"height/{OUTPUT_STRIDE}", 3: f"width/{OUTPUT_STRIDE}"}
    torch.onnx.export(
        net, (luma, hints), str(path), input_names=["luma", "hints"], output_names=["logits"],
        dynamic_axes={"luma": axes, "hints": axes, "logits": small}, opset_version=17, dynamo=False,
    )  # fmt: skip
    model = onnx.load(str(path))
    halve_weights(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for height, width in ((96, 128), (64, 160)):
        luma = torch.rand(1, 1, height, width) * 100
        hints = torch.zeros(1, 3, height, width)
        with torch.no_grad():
            expected = net(luma, hints).numpy()
        (computed,) = session.run(None, {"luma": luma.numpy(), "hints": hints.numpy()})
        difference = float(np.abs(computed - expected).max())
        if not difference < TOLERANCE:
            raise RuntimeError(f"ONNX differs from torch by {difference} at {width}x{height}")
    logger.info("wrote %s, %.1f MB", path, path.stat().st_size / 1e6)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    given = parser.parse_args()
    export_checkpoints(given.checkpoints, given.out)
