"""What a Keras model's own description says it computes: JSON in, a list of steps out.

Nothing that the description names is imported or called. A layer of a class that is not in FACTS,
Lambda above all, makes the model unfit.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What decides a layer's numbers, by class. Whatever else is in a description does not.
CONVOLUTION = (
    "filters",
    "kernel_size",
    "strides",
    "padding",
    "data_format",
    "dilation_rate",
    "groups",
    "activation",
    "use_bias",
)
FACTS: Mapping[str, Sequence[str]] = {
    "InputLayer": ("batch_shape",),
    "Conv2D": CONVOLUTION,
    "Conv2DTranspose": (*CONVOLUTION, "output_padding"),
    "BatchNormalization": ("axis", "epsilon", "center", "scale", "renorm"),
    "LeakyReLU": ("negative_slope",),
    "Concatenate": ("axis",),
}
OLD = {"batch_shape": "batch_input_shape", "negative_slope": "alpha"}  # Keras 2's names
ABSENT = {"groups": 1, "output_padding": None, "renorm": False}  # not written by every version
BLOCK = "Sequential"  # a chain of layers, the only nesting there may be
LAYERS = 100  # of a whole model, blocks opened


class Unfit(Exception):
    """Why a file is refused, to stand after its name and a colon."""


@dataclass(frozen=True, slots=True)
class Step:
    """One layer with its blocks opened.

    inputs: the steps it reads, by number. place: class and number within that class, of the layer
    or of its block and of the layer in the block. owner: name of the layer or its block.
    """

    kind: str
    facts: Mapping[str, object]
    inputs: tuple[int, ...]
    place: tuple[tuple[str, int], ...] = ()
    owner: str = ""


def steps(model: Mapping[str, Any]) -> list[Step]:
    """The layers between a functional model's input and output, each after what it reads. Raises
    Unfit, or an error of the sort that a description of any other form causes.
    """
    if model["class_name"] not in ("Functional", "Model"):
        raise Unfit(f"holds a {brief(model['class_name'])} model, not a functional one")
    walk = Walk(model["config"]["layers"])
    ends = list(sources(model["config"]["output_layers"]))
    if len(ends) != 1:
        raise Unfit(f"has {len(ends)} outputs, not one")
    walk.number(ends[0])
    return walk.steps


class Walk:
    """Numbers layers in the order in which they can be computed."""

    def __init__(self, layers: Sequence[Mapping[str, Any]]) -> None:
        if len(layers) > LAYERS:
            raise Unfit(f"has {len(layers)} layers, more than {LAYERS}")
        self.steps: list[Step] = []
        self.numbers: dict[str, int | None] = {}  # of a layer's answer; None while in work
        self.layers = {str(layer["name"]): layer for layer in layers}
        self.places = dict(zip(self.layers, ranked(layers), strict=True))

    def number(self, name: str) -> int:
        """The number of the step that gives a layer's answer."""
        if name not in self.numbers:
            self.numbers[name] = None
            inputs = tuple(self.number(source) for source in self.inputs(name))
            self.numbers[name] = self.add(name, inputs)
        number = self.numbers[name]
        if number is None:
            raise Unfit(f"goes round in a circle at {brief(name)}")
        return number

    def inputs(self, name: str) -> list[str]:
        calls = self.layers[name]["inbound_nodes"]
        if len(calls) > 1:
            raise Unfit(f"uses {brief(name)} more than once")
        return list(sources(calls))

    def add(self, name: str, inputs: tuple[int, ...]) -> int:
        layer, place = self.layers[name], self.places[name]
        if layer["class_name"] != BLOCK:
            self.steps.append(Step(kind(layer), facts(layer), inputs, (place,), name))
            return len(self.steps) - 1
        inner = layer["config"]["layers"]
        for part, within in zip(inner, ranked(inner), strict=True):
            if part["class_name"] != "InputLayer":
                found = Step(kind(part), facts(part), inputs, (place, within), name)
                self.steps.append(found)
                inputs = (len(self.steps) - 1,)
        if len(inputs) != 1 or len(self.steps) > LAYERS:
            raise Unfit(f"has a block {brief(name)} that is no chain of layers")
        return inputs[0]


def ranked(layers: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """Each layer's class and its number within the class."""
    seen: Counter[str] = Counter()
    for layer in layers:
        if layer["class_name"] != BLOCK:
            kind(layer)  # refuses a foreign class even where no path leads through it
        yield layer["class_name"], seen[layer["class_name"]]
        seen[layer["class_name"]] += 1


def kind(layer: Mapping[str, Any]) -> str:
    """A layer's class. Raises Unfit if it is none of those known, or another project's."""
    name = layer["class_name"]
    module, registered = layer.get("module") or "keras", layer.get("registered_name") or name
    if name not in FACTS or registered != name or module.partition(".")[0] not in OURS:
        raise Unfit(f"has a layer of class {brief(registered)}, which is not loaded")
    return str(name)


OURS = ("keras", "tf_keras")


def facts(layer: Mapping[str, Any]) -> dict[str, object]:
    config = layer["config"]
    return {name: plain(name, fact(config, name)) for name in FACTS[layer["class_name"]]}


def fact(config: Mapping[str, Any], name: str) -> object:
    if name not in config:
        name = OLD.get(name, name)
    return config.get(name, ABSENT[name]) if name in ABSENT else config[name]


def plain(name: str, value: object) -> object:
    """A fact in the one form that it is compared in: the versions of Keras write several."""
    if name == "axis":
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        return -1 if value == 3 else value  # of four axes, the last
    if isinstance(value, list):
        return tuple(value)
    return round(value, 6) if isinstance(value, float) else value  # 0.3 may come as float32


def sources(node: object) -> Iterator[str]:
    """Names of the layers that a call reads, in order: Keras 3 writes keras_history, Keras 2 lists
    of name, call, tensor and options. Raises Unfit if the call asks for training mode.
    """
    if isinstance(node, Mapping):
        if node.get("training"):
            raise Unfit("calls a layer in training mode always")
        if "keras_history" in node:
            yield node["keras_history"][0]
            return
        node = list(node.values())
    if isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int):
            yield node[0]
            node = node[3:]
        for part in node:
            yield from sources(part)


def check(found: Sequence[Step], wanted: Sequence[Step]) -> None:
    """Raises Unfit that names the first difference between two models."""
    for number, (step, plan) in enumerate(zip(found, wanted, strict=False)):
        where = f"layer {number} ({brief(step.owner)})"
        if step.kind != plan.kind:
            raise Unfit(f"another model: {where} is {step.kind}, not {plan.kind}")
        for name, value in plan.facts.items():
            if step.facts[name] != value:
                got = brief(step.facts[name])
                raise Unfit(f"another model: {where} has {name} {got}, not {brief(value)}")
        if step.inputs != plan.inputs:
            raise Unfit(f"another model: {where} reads layers {step.inputs}, not {plan.inputs}")
    if len(found) != len(wanted):
        raise Unfit(f"another model: {len(found)} layers, not {len(wanted)}")


def brief(value: object) -> str:
    """What a file says, short enough for a sentence."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
