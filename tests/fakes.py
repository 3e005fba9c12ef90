"""A model without a network, and a host without a child. Tests only."""

import hashlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml import records
from ml.errors import TimedOut
from ml.host import Order, Painted
from ml.images import Photograph, open_photo, save_photo, save_preview
from ml.spec import Colorizer, ModelSpec, Settings, Weights

BYTES = b"the weights of a fake"
SPEC = ModelSpec(
    name="fake",
    title="Fake",
    family="fake",
    backend="tests.fakes:load",
    weights=Weights("fake.bin", hashlib.sha256(BYTES).hexdigest(), "CC0-1.0", "COLORIA's tests"),
    size=8,
    options=("strength", "render_factor", "seed", "label", "candidates", "raw", "hints"),
    summary="Paints everything the same.",
)
PLAIN = replace(SPEC, name="plain", title="Plain", options=("strength",))  # the same weights
MISSING = replace(
    SPEC, name="missing", title="Missing", weights=replace(SPEC.weights, file="missing.bin")
)

# Seeds that make the fake misbehave.
SLEEP, DIE, BREAK, STARVE, EXIT, STARVE_ONNX, DAWDLE = 101, 102, 103, 104, 105, 106, 107


def install(folder: Path) -> None:
    """As `weights add` would leave the two fakes in `folder`."""
    for spec in (SPEC, PLAIN):
        home = records.home(spec, folder)
        home.mkdir(exist_ok=True)
        path = home / records.kept_as(spec)
        if path.exists():
            continue
        path.write_bytes(BYTES)
        modified = path.stat().st_mtime_ns
        kept = records.Record((), spec.weights.sha256, len(BYTES), modified, "2026-01-01T00:00:00Z")
        records.write(home, kept)


class Fake:
    """Orange where it is bright: the photo's grey stays the red channel."""

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        misbehave(settings.seed)
        grey = photo.pixels if photo.pixels.ndim == 2 else photo.pixels[..., 0]
        rgb = np.stack([grey, grey // 2, grey // 4], axis=-1).astype(grey.dtype)
        return replace(photo, pixels=rgb)


def misbehave(seed: int) -> None:
    if seed == SLEEP:
        time.sleep(60)
    elif seed == DAWDLE:
        time.sleep(3)
    elif seed == DIE:
        os.kill(os.getpid(), signal.SIGKILL)
    elif seed == BREAK:
        raise ZeroDivisionError("the fake was told to break")
    elif seed == STARVE:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
    elif seed == STARVE_ONNX:
        raise RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for a buffer of 9")
    elif seed == EXIT:
        os._exit(3)


def load(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    assert path.read_bytes() == BYTES
    return Fake()


class InlineHost:
    """Carries out orders in this process and notes them."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.orders: list[Order] = []
        self.meanwhile = meanwhile

    def alive(self) -> bool:
        return True

    def colorize(
        self, order: Order, timeout: float, stop: Callable[[], bool] = lambda: False
    ) -> Painted:
        self.orders.append(order)
        if order.settings.seed == SLEEP:
            raise TimedOut("slept")
        photo = open_photo(order.source, order.name)
        result = Fake().colorize(photo, order.settings)
        for picture, path in ((photo, order.source_preview), (result, order.target_preview)):
            if path:
                save_preview(picture, path)
        self.meanwhile()
        save_photo(result, order.target)
        return Painted(0.1, *result.size, result.format)
