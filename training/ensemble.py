"""Several networks of our recipe in one file, which answers like one: they err less alike.

    python -m training.ensemble OUT.onnx FILE.onnx[@NAME] ...

The mean of their logits answers (the geometric mean of what they say). FILE@NAME takes a network
out of such a file again, where they are called net0, net1 and so on.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, TensorProto, compose, helper, numpy_helper

logger = logging.getLogger(__name__)

TINY = 1e-12  # scale of a channel that is all zeros


def network(source: str) -> ModelProto:
    """The network in a file, or with FILE@NAME the one of that name among those in a file. Raises
    ValueError if there is none.
    """
    path, _, name = source.partition("@")
    model = onnx.load(path)
    if not name:
        return model
    graph, prefix = model.graph, f"{name}/"
    nodes = [node for node in graph.node if node.output[0].startswith(prefix)]
    if not nodes:
        raise ValueError(f"{path} has no network {name}")
    (said,) = {key for key in graph.node[-1].input if key.startswith(prefix)}
    nodes.append(helper.make_node("Identity", [said], ["logits"]))
    held = [tensor for tensor in graph.initializer if tensor.name.startswith(prefix)]
    alone = helper.make_graph(nodes, name, graph.input, graph.output, held)
    return helper.make_model(alone, opset_imports=model.opset_import, ir_version=model.ir_version)


def quantise(graph: GraphProto) -> None:
    """Store matrices and the kernels of convolutions in eight bits, a scale for each channel they
    write, and turn them back when the file is loaded: half the size of half precision, the same
    arithmetic.
    """
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        nodes.append(node)
        kernel = stored.get(node.input[0]) if node.op_type == "Cast" else None
        if kernel is None or len(kernel.dims) == 1 or kernel.data_type == TensorProto.INT8:
            continue
        weight = numpy_helper.to_array(kernel).astype(np.float32)
        scale = np.abs(weight).max(tuple(range(1, weight.ndim)), keepdims=True) / 127 + TINY
        codes, scales, whole = (f"{kernel.name}_{part}" for part in ("codes", "scales", "whole"))
        kernel.CopyFrom(numpy_helper.from_array((weight / scale).round().astype(np.int8), codes))
        graph.initializer.append(numpy_helper.from_array(scale, scales))
        nodes.append(helper.make_node("Mul", [whole, scales], [node.output[0]]))
        node.input[0], node.output[0] = codes, whole
    del graph.node[:]
    graph.node.extend(nodes)


def ensemble(models: list[ModelProto]) -> ModelProto:
    """A network with the inputs and the output of each."""
    parts = [
        compose.add_prefix_graph(
            model.graph, f"net{number}/", rename_inputs=False, rename_outputs=True
        )
        for number, model in enumerate(models)
    ]
    first = models[0]
    nodes = [node for part in parts for node in part.node]
    nodes.append(helper.make_node("Mean", [part.output[0].name for part in parts], ["logits"]))
    held = [tensor for part in parts for tensor in part.initializer]
    graph = helper.make_graph(nodes, "ensemble", first.graph.input, first.graph.output, held)
    model = helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("networks", type=network, metavar="FILE[@NAME]", nargs="+")
    given = parser.parse_args()
    for model in given.networks:
        quantise(model.graph)
    onnx.save(ensemble(given.networks), given.out)
    logger.info("wrote %s, %.1f MB", given.out, given.out.stat().st_size / 1e6)
