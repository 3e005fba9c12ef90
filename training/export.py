"""A trained network as one ONNX file."""

import logging
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from ml.color import ab_bins
from ml.nets.coloria import OUTPUT_STRIDE, Coloria

logger = logging.getLogger(__name__)

TOLERANCE = 1e-3  # largest difference in logits between torch and ONNX Runtime


def export_coloria(state: dict[str, Tensor], path: Path) -> None:
    """Write the network with weights `state` to `path`: batch 1, height and width free multiples of 32.

    Raises RuntimeError if ONNX Runtime computes other numbers than torch.
    """
    net = Coloria(len(ab_bins())).eval()
    net.load_state_dict(state)
    luma, hints = torch.rand(1, 1, 96, 128) * 100, torch.zeros(1, 3, 96, 128)
    hints[:, :, 40:45, 60:65] = torch.tensor([0.3, -0.2, 1.0])[:, None, None]
    axes = {2: "height", 3: "width"}
    small = {2: f"height/{OUTPUT_STRIDE}", 3: f"width/{OUTPUT_STRIDE}"}
    torch.onnx.export(
        net, (luma, hints), str(path), input_names=["luma", "hints"], output_names=["logits"], dynamo=False,
        dynamic_axes={"luma": axes, "hints": axes, "logits": small}, opset_version=17,
    )  # fmt: skip
    onnx.checker.check_model(str(path))
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
