"""The report's CNN, a plain Keras U-Net, and its training step by step, so that it can be resumed.

Import this before any other Keras code: Keras chooses its back end when it is imported.
"""

import importlib.util
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training import checkpoint

os.environ.setdefault(
    "KERAS_BACKEND", "tensorflow" if importlib.util.find_spec("tensorflow") else "torch"
)

import keras
from keras import layers

Array = NDArray[np.float32]

KERNEL = (3, 3)
DROPOUT = 0.2  # S103
VERSION = f"{keras.__version__} on {keras.backend.backend()}"


def down(filters: int, norm: bool) -> Any:
    """S102: half the size."""
    block = keras.Sequential()
    block.add(layers.Conv2D(filters, KERNEL, padding="same", strides=2))
    if norm:
        block.add(layers.BatchNormalization())
    block.add(layers.LeakyReLU())
    return block


def up(filters: int, dropout: bool) -> Any:
    """S103: twice the size. The report's own call for the dropout does not exist in Keras."""
    block = keras.Sequential()
    block.add(layers.Conv2DTranspose(filters, KERNEL, padding="same", strides=2))
    if dropout:
        block.add(layers.Dropout(DROPOUT))
    block.add(layers.LeakyReLU())
    return block


def unet(size: int, dropout: bool) -> Any:
    """S104-S107: RGB in and out, 0..1, (size, size, 3)."""
    inputs = layers.Input(shape=(size, size, 3))
    d1 = down(128, False)(inputs)
    d2 = down(128, False)(d1)
    d3 = down(256, True)(d2)
    d4 = down(512, True)(d3)
    x = down(512, True)(d4)
    for filters, skip in ((512, d4), (256, d3), (128, d2), (128, d1), (3, inputs)):
        x = layers.concatenate([up(filters, dropout)(x), skip])
    output = layers.Conv2D(3, (2, 2), strides=1, padding="same")(x)
    return keras.Model(inputs=inputs, outputs=output)


def device(name: str) -> AbstractContextManager[None]:
    """Where what follows is computed: auto, cpu or cuda."""
    if name == "auto":
        return nullcontext()
    on: AbstractContextManager[None] = keras.device("gpu:0" if name == "cuda" else "cpu:0")
    return on


def settle(seed: int, threads: int) -> None:
    """The same numbers from the same seed."""
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
        if threads:
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
            tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    elif threads:
        torch.set_num_threads(threads)


class Learner:
    """The compiled model (S109)."""

    def __init__(self, size: int, dropout: bool, lr: float) -> None:
        self.model, self.lr = unet(size, dropout), lr
        self.model.compile(
            optimizer=keras.optimizers.Adam(learning_rate=lr),
            loss="mean_absolute_error",
            metrics=["acc"],
            jit_compile=False,
        )
        self.model.optimizer.build(self.model.trainable_variables)

    def summary(self) -> str:
        """S108."""
        lines: list[str] = []
        self.model.summary(print_fn=lambda line, line_break=True: lines.append(line))
        return "\n".join(lines)

    def step(self, grey: Array, colour: Array) -> dict[str, float]:
        """Loss and accuracy of one batch (B, S, S, 3), before the weights change."""
        self.model.reset_metrics()  # or Keras gives the mean over all batches so far
        told = self.model.train_on_batch(grey, colour, return_dict=True)
        return {name: float(value) for name, value in told.items()}

    def evaluate(self, grey: Array, colour: Array, batch: int) -> dict[str, float]:
        """S111."""
        told = self.model.evaluate(grey, colour, batch_size=batch, verbose=0, return_dict=True)
        return {name: float(value) for name, value in told.items()}

    def predict(self, grey: Array, batch: int) -> Array:
        result: Array = self.model.predict(grey, batch_size=batch, verbose=0)
        return result

    def variables(self) -> list[Any]:
        """Weights, running statistics, random states and the optimiser's moments."""
        return [*self.model.variables, *self.model.optimizer.variables]

    def state(self) -> list[torch.Tensor]:
        values = (np.array(keras.ops.convert_to_numpy(v.value)) for v in self.variables())
        # torch has neither uint32 arithmetic nor a need for it here: random states as int64
        return [torch.from_numpy(v.astype(np.int64) if v.dtype.kind == "u" else v) for v in values]

    def restore(self, state: Sequence[torch.Tensor]) -> None:
        for variable, value in zip(self.variables(), state, strict=True):
            variable.assign(value.numpy().astype(variable.dtype))
        self.model.optimizer.learning_rate = self.lr  # it may have been changed since (S099)

    def save(self, path: Path) -> None:
        """As .keras or .h5, by the name; a failure leaves the old file whole."""

        def write(part: Path) -> None:
            named = part.with_name(f"unfinished-{path.name}")
            self.model.save(named)
            named.replace(part)

        checkpoint.write_atomic(path, write)
