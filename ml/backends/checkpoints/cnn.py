"""The report's Keras model, from .keras or .h5, read into the network."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ml.backends.checkpoints import DAMAGE, brief, fill, read, refusal, tensors
from ml.backends.checkpoints.keras_file import VARIABLES, Stored, opened
from ml.backends.checkpoints.keras_model import Step, Unfit, check, steps
from ml.nets.cnn import CNN, DOWN, EPS, PLAIN, SLOPE, UP, Down, Up, folded

SIDE, STRIDE = 160, 32  # the report's height and width; others that the network can halve fit, too
NAMES = {  # torch's name of Keras' variable
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def network(paths: Sequence[Path], title: str) -> CNN:
    """The network of a file that the report's training saves, or of converted weights. Batch norm
    is folded. Raises ModelUnavailable.
    """
    (path,) = paths
    if path.suffix == ".safetensors":
        with torch.device("meta"):
            net = CNN(norm=False)
        return fill(net, tensors(read(path, title), path, title), path, title)
    with torch.device("meta"):
        net = CNN()
    try:
        with opened(path) as stored:
            found = steps(stored.model)
            check(found, plan(side(found)))
            state = dict(weights(net, stored, found))
    except Unfit as error:
        raise refusal(title, path, str(error)) from None
    except (*DAMAGE, zipfile.BadZipFile, zlib.error) as error:
        raise refusal(title, path, f"damaged or incomplete ({brief(error)})") from None
    return folded(fill(net, state, path, title))


def side(found: Sequence[Step]) -> int:
    """Height and width that a model is described for, if its network can have them, else SIDE. The
    weights are the same for all.
    """
    shape = found[0].facts.get("batch_shape") if found else None
    own = shape[1] if isinstance(shape, tuple) and len(shape) > 1 else None
    return own if isinstance(own, int) and own >= STRIDE and own % STRIDE == 0 else SIDE


def plan(side: int = SIDE) -> list[Step]:
    """What the report's U-Net computes, in Keras' terms, each layer after what it reads."""
    found = [Step("InputLayer", {"batch_shape": (None, side, side, 3)}, ())]

    def add(kind: str, *inputs: int, **facts: object) -> int:
        found.append(Step(kind, facts, inputs))
        return len(found) - 1

    skips = [0]
    for number, filters in enumerate(DOWN):
        last = add("Conv2D", skips[-1], **convolution(filters, 3, 2))
        if number >= PLAIN:
            facts = {"axis": -1, "epsilon": EPS, "center": True, "scale": True, "renorm": False}
            last = add("BatchNormalization", last, **facts)
        skips.append(add("LeakyReLU", last, negative_slope=SLOPE))
    last = skips.pop()
    for filters in UP:
        last = add("Conv2DTranspose", last, output_padding=None, **convolution(filters, 3, 2))
        last = add("LeakyReLU", last, negative_slope=SLOPE)
        last = add("Concatenate", last, skips.pop(), axis=-1)
    add("Conv2D", last, **convolution(3, 2, 1))
    return found


def convolution(filters: int, size: int, stride: int) -> dict[str, object]:
    return {
        "filters": filters,
        "kernel_size": (size, size),
        "strides": (stride, stride),
        "padding": "same",
        "data_format": "channels_last",
        "dilation_rate": (1, 1),
        "groups": 1,
        "activation": "linear",
        "use_bias": True,
    }


def weights(net: CNN, stored: Stored, found: Sequence[Step]) -> Iterator[tuple[str, Tensor]]:
    """The state of `net`, from steps that are those of the plan."""
    wanted = net.state_dict()
    for stem, step in zip(stems(net), (s for s in found if s.kind in VARIABLES), strict=True):
        for variable in VARIABLES[step.kind]:
            key = f"{stem}.{NAMES[variable]}"
            shape = tuple(wanted[key].shape)
            if variable == "kernel":  # Keras: height, width, and torch's first two turned round
                out, into, height, width = shape
                kernel = stored.array(step, variable, (height, width, into, out))
                yield key, torch.from_numpy(kernel).permute(3, 2, 0, 1)
            else:
                yield key, torch.from_numpy(stored.array(step, variable, shape))
        if step.kind == "BatchNormalization":
            yield f"{stem}.num_batches_tracked", torch.tensor(0)  # not in Keras, not computed with


def stems(net: CNN) -> Iterator[str]:
    """Names of the parts with weights, in the order in which they compute."""
    for name, part in net.named_modules():
        if isinstance(part, Down):
            yield f"{name}.conv"
            if isinstance(part.norm, nn.BatchNorm2d):
                yield f"{name}.norm"
        elif isinstance(part, Up):
            yield f"{name}.conv"
    yield "out"
