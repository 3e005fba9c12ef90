"""Two networks of our recipe in one file: each of the two looks has its own.

    python -m training.pair LARGE.onnx SMALL.onnx OUT.onnx

The bundled model looks at a photo twice, at its size and at half of it; networks trained at
different sides are each best near their own, and err less alike than one network does twice.
"""

import argparse
import logging
from pathlib import Path

import onnx
from onnx import GraphProto, ModelProto, TensorProto, compose, helper

logger = logging.getLogger(__name__)

LIMIT = 128  # pixels: up to this shorter side the small network answers


def branch(model: ModelProto, name: str) -> GraphProto:
    """The network as one branch of an If: it reads `luma` and `hints` of the graph around it."""
    graph: GraphProto = compose.add_prefix_graph(
        model.graph, f"{name}/", rename_inputs=False, rename_outputs=True
    )
    del graph.input[:]
    graph.name = name
    return graph


def pair(large: ModelProto, small: ModelProto) -> ModelProto:
    """A network with the inputs and the output of either: `small` up to LIMIT, `large` above."""
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
    graph = helper.make_graph(nodes, "pair", large.graph.input, large.graph.output, [limit])
    model = helper.make_model(graph, opset_imports=large.opset_import, ir_version=large.ir_version)
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for file in ("large", "small", "out"):
        parser.add_argument(file, type=Path)
    given = parser.parse_args()
    onnx.save(pair(onnx.load(given.large), onnx.load(given.small)), given.out)
    logger.info("wrote %s, %.1f MB", given.out, given.out.stat().st_size / 1e6)
