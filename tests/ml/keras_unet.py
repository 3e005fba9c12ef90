"""Writes the report's U-Net with Keras, as its training does: python -m tests.ml.keras_unet ...

A program of its own, because Keras chooses its back end when it is imported (KERAS_BACKEND).
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np


def down(filters: int, norm: bool) -> Any:
    from keras import Sequential, layers

    block = Sequential()
    block.add(layers.Conv2D(filters, (3, 3), padding="same", strides=2))
    if norm:
        block.add(layers.BatchNormalization())
    block.add(layers.LeakyReLU())
    return block


def up(filters: int) -> Any:
    from keras import Sequential, layers

    block = Sequential()
    block.add(layers.Conv2DTranspose(filters, (3, 3), padding="same", strides=2))
    block.add(layers.LeakyReLU())
    return block


def unet() -> Any:
    """The report's `model()`, line by line."""
    from keras import Model, layers

    inputs = layers.Input(shape=[160, 160, 3])
    d1 = down(128, False)(inputs)
    d2 = down(128, False)(d1)
    d3 = down(256, True)(d2)
    d4 = down(512, True)(d3)
    d5 = down(512, True)(d4)
    u1 = layers.concatenate([up(512)(d5), d4])
    u2 = layers.concatenate([up(256)(u1), d3])
    u3 = layers.concatenate([up(128)(u2), d2])
    u4 = layers.concatenate([up(128)(u3), d1])
    u5 = layers.concatenate([up(3)(u4), inputs])
    output = layers.Conv2D(3, (2, 2), strides=1, padding="same")(u5)
    return Model(inputs=inputs, outputs=output)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("weights", type=Path, help=".npz of the arrays in get_weights() order")
    parser.add_argument("--before", type=int, default=0, help="models made in the process before")
    parser.add_argument("--trained", action="store_true", help="compile and fit as the report does")
    given = parser.parse_args()
    for _ in range(given.before):
        unet()
    model = unet()
    if given.trained:
        model.compile(optimizer="adam", loss="mean_absolute_error", metrics=["acc"])
        photos = np.zeros((1, 160, 160, 3), np.float32)
        model.fit(photos, photos, epochs=1, verbose=0)
    stored = np.load(given.weights)
    model.set_weights([stored[name] for name in stored.files if name != "x"])
    model.save(given.folder / "my_model.h5")
    model.save(given.folder / "my_model.keras")
    np.save(given.folder / "y.npy", np.asarray(model.predict(stored["x"], verbose=0)))


if __name__ == "__main__":
    main()
