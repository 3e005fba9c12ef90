"""Keras files that are damaged, hostile or of another model are refused with a sentence."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ml.backends.checkpoints.cnn import network
from ml.errors import ModelUnavailable
from tests.ml.keras_file import arrays, config, kept, write

VERSIONS = ("Keras 2.15", "Keras 3.15")
SUFFIXES = (".keras", ".h5")
NEW = "Keras 3.15"
FIRST = 0  # number of the variable that is read first
SHAPE = (3, 3, 3, 128)

Model = dict[str, Any]


def refused(path: Path) -> str:
    with pytest.raises(ModelUnavailable, match="CNN is not installed") as caught:
        network([path], "CNN")
    assert caught.value.reason.startswith(f"{path.name}: ")
    return caught.value.reason


def layer(model: Model, number: int, within: int | None = None) -> Model:
    """A layer, or one in a block, InputLayers counted."""
    found = model["config"]["layers"][number]
    return found if within is None else found["config"]["layers"][within]


def setting(number: int, within: int | None, name: str, value: object) -> Callable[[Model], None]:
    def edit(model: Model) -> None:
        found = layer(model, number, within)["config"]
        old = {"negative_slope": "alpha"}.get(name, name)
        found[name if name in found else old] = value

    return edit


def block(name: str) -> int:
    """Number of an outer layer: input, d1..d5, then u and concatenate by turns, then out."""
    order = ["input", "d1", "d2", "d3", "d4", "d5"]
    order += [name for k in range(1, 6) for name in (f"u{k}", f"c{k}")]
    return [*order, "out"].index(name)


OTHERS = {
    "has negative_slope 0.2, not 0.3": setting(block("d1"), 2, "negative_slope", 0.2),
    "has epsilon 1e-05, not 0.001": setting(block("d3"), 2, "epsilon", 1e-5),
    "has strides (1, 1), not (2, 2)": setting(block("d2"), 1, "strides", [1, 1]),
    "has kernel_size (5, 5), not (3, 3)": setting(block("u1"), 1, "kernel_size", [5, 5]),
    "has padding valid, not same": setting(block("out"), None, "padding", "valid"),
    "has activation relu, not linear": setting(block("out"), None, "activation", "relu"),
    "has filters 64, not 128": setting(block("d1"), 1, "filters", 64),
    "has use_bias False, not True": setting(block("u5"), 1, "use_bias", False),
    "has data_format channels_first": setting(block("d4"), 1, "data_format", "channels_first"),
    "has dilation_rate (2, 2), not (1, 1)": setting(block("d4"), 1, "dilation_rate", [2, 2]),
    "has axis 1, not -1": setting(block("c2"), None, "axis", 1),
    "has scale False, not True": setting(block("d5"), 2, "scale", False),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("version", VERSIONS)
def test_what_differs_from_the_reports_network_is_named(
    version: str, suffix: str, tmp_path: Path
) -> None:
    for sentence, edit in OTHERS.items():
        model = config(version, suffix)
        edit(model)
        reason = refused(write(tmp_path / f"model{suffix}", version, [], config=model))
        assert "another model: layer" in reason
        assert sentence in reason


def test_a_model_of_another_size_has_the_same_weights_and_is_read(tmp_path: Path) -> None:
    """S104, S110: the report's text trains at 160 px in one place and at 128 in another."""
    model = config(NEW, ".keras")
    setting(block("input"), None, "batch_shape", [None, 128, 128, 3])(model)
    network([write(tmp_path / "model.keras", NEW, config=model)], "CNN")
    setting(block("input"), None, "batch_shape", [None, 100, 100, 3])(model)
    reason = refused(write(tmp_path / "model.keras", NEW, [], config=model))
    assert "has batch_shape (None, 100, 100, 3), not (None, 160, 160, 3)" in reason


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("version", VERSIONS)
def test_layers_that_hold_code_or_are_unknown_are_refused_by_name(
    version: str, suffix: str, tmp_path: Path
) -> None:
    code = {"name": "x", "function": ["4wAAAA==", None, None]}
    for number, within in ((block("d3"), 3), (block("c1"), None), (block("out"), None)):
        for name in ("Lambda", "TFOpLambda", "Dropout", "x" * 500):
            model = config(version, suffix)
            layer(model, number, within).update(class_name=name, config=code)
            reason = refused(write(tmp_path / f"model{suffix}", version, [], config=model))
            assert f"has a layer of class {name[:50]}" in reason
            assert len(reason) < 200


def test_a_class_of_ones_own_under_a_known_name_is_refused(tmp_path: Path) -> None:
    for own in ({"registered_name": "mine>Conv2D"}, {"module": "mine.layers"}):
        model = config(NEW, ".keras")
        layer(model, block("out")).update(own)
        reason = refused(write(tmp_path / "model.keras", NEW, [], config=model))
        assert "has a layer of class" in reason


def swap_skip(model: Model) -> None:
    call = layer(model, block("c3"))["inbound_nodes"][0]
    pair = call["args"][0] if isinstance(call, dict) else call
    pair.reverse()


def call_in_training(model: Model) -> None:
    call = layer(model, block("d3"))["inbound_nodes"][0]
    (call["kwargs"] if isinstance(call, dict) else call[0][3])["training"] = True


def call_twice(model: Model) -> None:
    calls = layer(model, block("d2"))["inbound_nodes"]
    calls.append(calls[0])


def read_itself(model: Model) -> None:
    layer(model, block("d2"))["inbound_nodes"] = layer(model, block("d3"))["inbound_nodes"]


def two_outputs(model: Model) -> None:
    model["config"]["output_layers"] = [["a", 0, 0], ["b", 0, 0]]


def stop_early(model: Model) -> None:
    model["config"]["output_layers"] = [[layer(model, block("c5"))["name"], 0, 0]]


def too_many(model: Model) -> None:
    model["config"]["layers"] *= 10


def no_layers(model: Model) -> None:
    del model["config"]["layers"]


GRAPHS = {
    "reads layers": swap_skip,
    "calls a layer in training mode": call_in_training,
    "more than once": call_twice,
    "goes round in a circle": read_itself,
    "has 2 outputs, not one": two_outputs,
    "29 layers, not 30": stop_early,
    "has 170 layers": too_many,
    "damaged or incomplete": no_layers,
    "holds a Sequential model": lambda model: model.update(class_name="Sequential"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("version", VERSIONS)
def test_layers_joined_in_another_way_are_refused(
    version: str, suffix: str, tmp_path: Path
) -> None:
    for sentence, edit in GRAPHS.items():
        model = config(version, suffix)
        edit(model)
        path = write(tmp_path / f"model{suffix}", version, [], config=model)
        assert sentence in refused(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_description_nested_without_end_is_refused(suffix: str, tmp_path: Path) -> None:
    text = "[" * 20_000 + "]" * 20_000
    path = tmp_path / f"model{suffix}"
    if suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.attrs["model_config"] = text
            file.create_group("model_weights")
    else:
        archived(path, {"config.json": text, "model.weights.h5": b""})
    assert "damaged or incomplete" in refused(path)


def archived(path: Path, parts: dict[str, str | bytes], **how: Any) -> Path:
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_what_is_no_keras_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    assert "cannot be read" in refused(path)
    path.write_bytes(b"  <!DOCTYPE html><title>Sign in</title>")
    assert "a web page, not a model" in refused(path)
    path.write_bytes(b"\x80\x02}q\x00.")
    assert "neither a .keras nor an .h5 file" in refused(path)
    assert "config.json is missing" in refused(archived(path, {"data.pkl": b""}))
    only = {"config.json": json.dumps(config(NEW, ".keras"))}
    assert "model.weights.h5 is missing" in refused(archived(path, only))
    with h5py.File(tmp_path / "model.weights.h5", "w") as file:
        file.create_group("layers")
    assert "weights without a description" in refused(tmp_path / "model.weights.h5")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_short_is_refused(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"model{suffix}", NEW, arrays()[:6])
    whole = path.read_bytes()
    for length in (0, 1, 8, 100, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:length])
        assert "damaged" in refused(path)


def test_a_zip_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    model = json.dumps(config(NEW, ".keras"))
    packed = {"compression": zipfile.ZIP_DEFLATED}
    for parts in (
        {"config.json": " " * (2 << 20)},
        {"config.json": model, "model.weights.h5": bytes(257 << 20)},
    ):
        path = archived(tmp_path / "model.keras", parts, **packed)
        assert path.stat().st_size < 1 << 20
        assert "unpacks to more than" in refused(path)


def test_a_part_that_would_be_written_elsewhere_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("../outside", str(tmp_path / "outside"), "..\\outside"):
        parts = {"config.json": "{}", "model.weights.h5": b"", name: b"x"}
        reason = refused(archived(folder / "model.keras", parts))
        assert "has a part" in reason
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "model.keras"]


def changed(path: Path, change: Callable[[h5py.File, str], object]) -> Path:
    """A file whose first variable has been changed; the rest is missing."""
    write(path, NEW, arrays()[:1])
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            replaced(file, "h5", change)
        return path
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        replaced(file, "weights", change)
    return archived(path, {**parts, "model.weights.h5": weights.getvalue()})


def replaced(file: h5py.File, part: str, change: Callable[[h5py.File, str], object]) -> None:
    places = kept()[NEW][part]["arrays"].items()
    (name,) = (name for name, number in places if number == FIRST)
    file.move(name, "aside")
    change(file, name)


def soft(file: h5py.File, name: str) -> None:
    file[name] = h5py.SoftLink("/aside")


def outside(file: h5py.File, name: str) -> None:
    file[name] = h5py.ExternalLink("/etc/passwd", "/x")


def other_file(file: h5py.File, name: str) -> None:
    size = int(np.prod(SHAPE)) * 4
    file.create_dataset(name, SHAPE, np.float32, external=[("/etc/passwd", 0, size)])


def virtual(file: h5py.File, name: str) -> None:
    held = h5py.VirtualLayout(SHAPE, np.float32)
    held[...] = h5py.VirtualSource("/etc/passwd", "x", SHAPE)
    file.create_virtual_dataset(name, held)


HOSTILE: dict[str, Callable[[h5py.File, str], object]] = {
    "has a link in place of weights": soft,
    "has a link in place of": outside,
    "lies in another file": other_file,
    "0 lies in another file": virtual,
    "is of shape (1099511627776,)": lambda f, n: f.create_dataset(
        n, (1 << 40,), np.float32, chunks=(1024,)
    ),
    "is of shape (3, 3, 128, 3)": lambda f, n: f.create_dataset(n, (3, 3, 128, 3), np.float32),
    "is of shape None": lambda f, n: f.create_dataset(n, data=h5py.Empty("f")),
    "holds float64, not float32": lambda f, n: f.create_dataset(n, SHAPE, np.float64),
    "holds object, not float32": lambda f, n: f.create_dataset(n, SHAPE, h5py.ref_dtype),
    "is compressed": lambda f, n: f.create_dataset(n, SHAPE, np.float32, compression="gzip"),
    "is compressed or incomplete": lambda f, n: f.create_dataset(n, SHAPE, np.float32),
    "has layers where variables": lambda f, n: f.create_group(n),
    "are missing": lambda f, n: None,
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_weights_that_are_not_in_the_file_as_they_are_are_refused(
    suffix: str, tmp_path: Path
) -> None:
    for sentence, change in HOSTILE.items():
        reason = refused(changed(tmp_path / f"model{suffix}", change))
        assert sentence.removeprefix("0 ") in reason, sentence
    reason = refused(changed(tmp_path / f"model{suffix}", lambda f, n: f.move("aside", n)))
    assert "weights" in reason, "the next variable is missing"


def test_a_group_that_is_a_link_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "model.h5", NEW, arrays()[:1])
    with h5py.File(path, "r+") as file:
        file.move("model_weights", "aside")
        file["model_weights"] = h5py.SoftLink("/aside")
    assert "has a link in place of weights model_weights" in refused(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "model.keras").mkdir()
    assert "cannot be read (Is a directory)" in refused(tmp_path / "model.keras")
