"""Several networks of our recipe in one file, which answers like one: they err less alike.

    python -m training.ensemble OUT.onnx FILE.onnx[@NAME] ...

The mean of their logits answers (the geometric mean of what they say). FILE@NAME takes a network
out of such a file again, where they are called net0, net1 and so on.
"""

import argparse
import itertools
import logging
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, TensorProto, compose, helper, numpy_helper

from training.export import halve_weights

logger = logging.getLogger(__name__)

TINY = 1e-12  # scale of a channel that is all zeros
TRIFLE = 512  # bytes; numbers below it stay in single precision


def network(source: str) -> ModelProto:
    """The network in a file, or with FILE@NAME the one of that name among those in a file. Raises
    ValueError if there is none.
    """
    path, _, name = source.partition("@")
    model = onnx.load(path)
    if not name:
        return model
    graph = model.graph
    said = [key for key in graph.node[-1].input if key.startswith(f"{name}/")]
    if not said:
        raise ValueError(f"{path} has no network {name}")
    needed, nodes = set(said), [helper.make_node("Identity", said, ["logits"])]
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            nodes.append(node)
    held = [tensor for tensor in graph.initializer if tensor.name in needed]
    alone = helper.make_graph(nodes[::-1], name, graph.input, graph.output, held)
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
        if kernel is None or kernel.data_type == TensorProto.INT8:
            continue
        if math.prod(kernel.dims[1:]) == 1:
            continue  # a number for each channel: biases, and the scales of an earlier time
        weight = numpy_helper.to_array(kernel).astype(np.float32)
        scale = np.abs(weight).max(tuple(range(1, weight.ndim)), keepdims=True) / 127 + TINY
        codes, scales, whole = (f"{kernel.name}_{part}" for part in ("codes", "scales", "whole"))
        kernel.CopyFrom(numpy_helper.from_array((weight / scale).round().astype(np.int8), codes))
        graph.initializer.append(numpy_helper.from_array(scale, scales))
        nodes.append(helper.make_node("Mul", [whole, scales], [node.output[0]]))
        node.input[0], node.output[0] = codes, whole
    del graph.node[:]
    graph.node.extend(nodes)


def share(graph: GraphProto) -> None:
    """Keep once what is held or computed alike: torch writes the limits of every ReLU6 and the
    padding of every convolution anew, and decoders may stand on one encoder. Name it briefly, but
    for what the last node reads and writes.
    """
    said = {*graph.node[-1].input, *graph.node[-1].output}
    first: dict[bytes, list[str]] = {}  # new names, by content
    names: dict[str, str] = {}
    number = itertools.count()
    tensors, nodes = [], []
    for tensor in graph.initializer:
        own = tensor.name
        tensor.name = ""
        content = tensor.SerializeToString()
        if content not in first:
            first[content] = [f"{next(number):x}"]
            tensors.append(tensor)
        (tensor.name,) = first[content]
        names[own] = tensor.name
    for node in graph.node:
        outputs = list(node.output)
        node.name = ""
        node.input[:] = [names.get(key, key) for key in node.input]
        del node.output[:]
        content = node.SerializeToString()
        if content not in first:
            first[content] = [own if own in said else f"{next(number):x}" for own in outputs]
            nodes.append(node)
        node.output[:] = first[content]
        names.update(zip(outputs, first[content], strict=True))
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(tensors)
    graph.node.extend(nodes)


def ensemble(models: list[ModelProto]) -> ModelProto:
    """A network with the inputs and the output of each; what they have alike is there once."""
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
    share(graph)
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
    whole = ensemble(given.networks)
    halve_weights(whole, TRIFLE)  # what eight bits left out
    onnx.save(whole, given.out)
    logger.info("wrote %s, %.1f MB", given.out, given.out.stat().st_size / 1e6)
