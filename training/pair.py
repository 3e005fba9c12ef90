"""Several networks of our recipe in one file: each of the two looks has its own.

    python -m training.pair OUT.onnx --large LARGE.onnx [OTHER.onnx ...] --small SMALL.onnx [...]

The bundled model looks at a photo twice, at its size and at half of it. Networks trained at
different sides are each best near their own, and err less alike than one network does twice. Where
a look has several, the mean of their logits answers (the geometric mean of what they say).
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, TensorProto, compose, helper, numpy_helper

logger = logging.getLogger(__name__)

LIMIT = 128  # pixels: up to this shorter side the small look's networks answer
KERNEL = 4  # dimensions of a convolution's weights
TINY = 1e-12  # scale of a channel that is all zeros


def branch(models: list[ModelProto], name: str) -> GraphProto:
    """The networks as one branch of an If: they read `luma` and `hints` of the graph around it."""
    parts = [
        compose.add_prefix_graph(
            model.graph, f"{name}{number}/", rename_inputs=False, rename_outputs=True
        )
        for number, model in enumerate(models)
    ]
    said = [part.output[0].name for part in parts]
    output = helper.make_tensor_value_info(f"{name}/mean", TensorProto.FLOAT, None)
    nodes = [node for part in parts for node in part.node]
    nodes.append(helper.make_node("Mean", said, [output.name]))
    held = [tensor for part in parts for tensor in part.initializer]
    return helper.make_graph(nodes, name, [], [output], held)


def quantise(graph: GraphProto) -> None:
    """Store the kernels of convolutions in eight bits, a scale for each channel they write, and
    turn them back when the file is loaded: half the size of half precision, the same arithmetic.
    """
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        nodes.append(node)
        kernel = stored.get(node.input[0]) if node.op_type == "Cast" else None
        if kernel is None or len(kernel.dims) != KERNEL:
            continue
        weight = numpy_helper.to_array(kernel).astype(np.float32)
        scale = np.abs(weight).max((1, 2, 3), keepdims=True) / 127 + TINY
        codes, scales, whole = (f"{kernel.name}_{part}" for part in ("codes", "scales", "whole"))
        kernel.CopyFrom(numpy_helper.from_array((weight / scale).round().astype(np.int8), codes))
        graph.initializer.append(numpy_helper.from_array(scale, scales))
        nodes.append(helper.make_node("Mul", [whole, scales], [node.output[0]]))
        node.input[0], node.output[0] = codes, whole
    del graph.node[:]
    graph.node.extend(nodes)


def pair(large: list[ModelProto], small: list[ModelProto]) -> ModelProto:
    """A network with the inputs and the output of each: `small` up to LIMIT, `large` above."""
    first = large[0]
    nodes = [
        helper.make_node("Shape", ["luma"], ["sides"], start=2),
        helper.make_node("ReduceMin", ["sides"], ["shorter"], keepdims=0),
        helper.make_node("LessOrEqual", ["shorter", "limit"], ["is_small"]),
        helper.make_node(
            "If", ["is_small"], ["logits"],
            then_branch=branch(small, "small"), else_branch=branch(large, "large"),
        ),
    ]  # fmt: skip
    limit = helper.make_tensor("limit", TensorProto.INT64, [], [LIMIT])
    graph = helper.make_graph(nodes, "pair", first.graph.input, first.graph.output, [limit])
    model = helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    for look in ("--large", "--small"):
        parser.add_argument(look, type=Path, nargs="+", required=True)
    given = parser.parse_args()
    looks = [[onnx.load(path) for path in paths] for paths in (given.large, given.small)]
    for model in (model for look in looks for model in look):
        quantise(model.graph)
    onnx.save(pair(*looks), given.out)
    logger.info("wrote %s, %.1f MB", given.out, given.out.stat().st_size / 1e6)
