"""Weights from files that people have: read strictly, converted, in place or nowhere."""

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError, safe_open

from ml import installing, records, registry
from ml.backends import conversion
from ml.errors import WeightsError
from ml.spec import ModelSpec, Settings
from tests.ml import synthetic, tiny
from tests.ml.photos import photograph, ramp

TINY, CNN_LIKE = tiny.SPEC, replace(tiny.SPEC, more=None)
METADATA = b"r\x06\n\x01a\x12\x01b"  # one more entry of ONNX' metadata: another file, as good


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "weights"


def kept(spec: ModelSpec, folder: Path) -> float:
    """The number that the installed weights of the tiny network are full of."""
    with safe_open(records.path(spec, folder), "pt") as file:  # type: ignore[no-untyped-call]
        return float(file.get_tensor("weight")[0, 0])


def refused(spec: ModelSpec, folder: Path, *paths: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        installing.add(spec, paths, folder)
    return str(caught.value)


def everything(folder: Path) -> dict[str, bytes]:
    """Every file that matters: locks are not among them."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path): path.read_bytes() for path in found}


def test_a_file_becomes_safetensors_with_a_record(folder: Path, tmp_path: Path) -> None:
    path = tiny.raw(tmp_path / "mine.pth", 3)
    installing.add(TINY, [path], folder)
    assert registry.state(TINY, folder) == "installed"
    assert kept(TINY, folder) == 3
    record = json.loads((folder / "tiny/record.json").read_text())
    (file,) = record["files"]
    assert (file["file"], file["bytes"]) == ("mine.pth", path.stat().st_size)
    assert file["sha256"] == records.sha256(path)
    assert record["sha256"] == records.sha256(folder / "tiny/weights.safetensors")


def test_converted_weights_say_what_they_were_made_of(folder: Path, tmp_path: Path) -> None:
    path = tiny.raw(tmp_path / "mine.pth")
    installing.add(TINY, [path], folder)
    with safe_open(records.path(TINY, folder), "pt") as file:  # type: ignore[no-untyped-call]
        facts = file.metadata()
    assert facts["model"] == "tiny"
    assert json.loads(facts["sources"]) == {"mine.pth": records.sha256(path)}


@pytest.mark.parametrize("names", [("tiny.pth", "tiny_average.pth"), ("a", "b"), ("b", "a")])
@pytest.mark.parametrize("turned", [False, True])
def test_two_files_may_come_in_any_order(
    folder: Path, tmp_path: Path, names: tuple[str, str], turned: bool
) -> None:
    paths = [tiny.raw(tmp_path / names[0]), tiny.average(tmp_path / names[1])]
    record = installing.add(TINY, paths[::-1] if turned else paths, folder)
    assert kept(TINY, folder) == 2
    assert [file.file for file in record.files] == list(names)


def test_a_download_that_was_given_up_is_cleared_away(folder: Path, tmp_path: Path) -> None:
    part = installing.downloads(TINY, folder) / "12345678" / "tiny.pth.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    installing.add(TINY, [tiny.raw(tmp_path / "a.pth")], folder)
    assert not part.exists()


def test_more_files_than_a_model_has_are_refused(folder: Path, tmp_path: Path) -> None:
    path = tiny.raw(tmp_path / "a.pth")
    assert refused(CNN_LIKE, folder, path, path) == "tiny takes 1 file, not 2."


def test_a_file_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    assert refused(TINY, folder, tmp_path / "gone.pth").endswith("gone.pth is not a file.")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (tiny.evil, "damaged, or not only weights"),
        (tiny.evil_pickle, "damaged"),
        (tiny.bomb, "unpacks to more than its size"),
        (tiny.page, "a web page, not a checkpoint"),
        (tiny.truncated, "damaged"),
        (tiny.empty, "damaged"),
        (tiny.foreign, "misses bias, weight; has unknown layer.weight"),
        (tiny.misshapen, "another shape of bias, weight"),
        (tiny.infinite, "holds values that are no numbers in weight"),
        (tiny.average, "other than weights by name"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(
    folder: Path, tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    installing.add(TINY, [tiny.raw(tmp_path / "good.pth")], folder)
    before = everything(folder)
    said = refused(TINY, folder, make(tmp_path / "bad.pth"))
    assert said.startswith("bad.pth: ")
    assert says in said
    assert said.endswith("Nothing was changed.")
    assert everything(folder) == before
    assert not (tmp_path / "ran").exists()


def test_new_weights_replace_the_old_ones_and_what_was_derived_of_them(
    folder: Path, tmp_path: Path
) -> None:
    installing.add(TINY, [tiny.raw(tmp_path / "a.pth", 1)], folder)
    (folder / "tiny/openvino.xml").write_text("compiled from the old ones")
    before = records.stamp("tiny", folder)
    installing.add(TINY, [tiny.raw(tmp_path / "a.pth", 5)], folder)
    assert kept(TINY, folder) == 5
    assert {path.name for path in (folder / "tiny").iterdir()} == {
        "record.json",
        "weights.safetensors",
    }
    assert records.stamp("tiny", folder) > before


def test_the_published_file_is_told_from_others(folder: Path, tmp_path: Path) -> None:
    path = tiny.raw(tmp_path / "a.pth")
    for digits, published in ((records.sha256(path)[:8], True), ("0" * 8, False), ("", False)):
        spec = replace(TINY, weights=replace(TINY.weights, sha256=digits))
        assert installing.add(spec, [path], folder).files[0].published is published
        assert registry.state(spec, folder) == "installed"


def test_only_one_command_works_on_a_model(folder: Path, tmp_path: Path) -> None:
    path = tiny.raw(tmp_path / "a.pth")
    with installing.locked(TINY, folder):
        assert "Another command is at work on tiny" in refused(TINY, folder, path)
        other = replace(TINY, name="tiny-x")
        installing.add(other, [path], folder)
    installing.add(TINY, [path], folder)


def test_an_add_that_was_killed_is_not_installed(folder: Path, tmp_path: Path) -> None:
    new = folder / ".work/tiny/new"
    new.mkdir(parents=True)
    (new / "weights.safetensors").write_bytes(b"half")
    assert registry.state(TINY, folder) == "missing"
    installing.add(TINY, [tiny.raw(tmp_path / "a.pth")], folder)
    assert not new.exists()


def test_weights_put_aside_by_a_killed_add_come_back(folder: Path, tmp_path: Path) -> None:
    installing.add(TINY, [tiny.raw(tmp_path / "a.pth", 4)], folder)
    (folder / "tiny").rename(folder / ".work/tiny/old")
    refused(TINY, folder, tiny.page(tmp_path / "bad.pth"))
    assert registry.state(TINY, folder) == "installed"
    assert kept(TINY, folder) == 4


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.ENOSPC, "is full: make room"),
        (errno.EACCES, "may not be read or written"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_disk_refuses_is_a_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    installing.add(TINY, [tiny.raw(tmp_path / "a.pth", 4)], folder)

    def refuse(*arguments: Any) -> None:
        raise OSError(code, "Input/output error", "somewhere")

    monkeypatch.setattr(Path, "rename", refuse)
    assert says in refused(TINY, folder, tiny.raw(tmp_path / "a.pth", 5))
    assert kept(TINY, folder) == 4


def test_a_full_disk_is_told_by_safetensors_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise SafetensorError("Error: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(conversion, "save_file", refuse)
    assert "is full: make room" in refused(TINY, folder, tiny.raw(tmp_path / "a.pth"))


def test_safetensors_still_words_the_systems_errors_as_we_read_them(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="os error") as caught:
        conversion.convert(TINY, [tiny.raw(tmp_path / "a.pth")], tmp_path / "no/where", {})
    assert caught.value.errno == errno.ENOENT


def test_the_site_may_run_as_another_user(folder: Path, tmp_path: Path) -> None:
    installing.add(TINY, [tiny.raw(tmp_path / "a.pth")], folder)
    assert records.path(TINY, folder).stat().st_mode & 0o044 == 0o044


def test_without_torch_the_command_that_installs_it_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert refused(TINY, folder, tiny.raw(tmp_path / "a.pth")).endswith("run make full.")


def bundle() -> bytes:
    return (records.BUNDLE / "coloria.onnx").read_bytes()


def test_another_coloria_takes_the_place_of_the_bundled_one(folder: Path, tmp_path: Path) -> None:
    spec, path = registry.get("coloria"), tmp_path / "better.onnx"
    path.write_bytes(bundle() + METADATA)
    record = installing.add(spec, [path], folder)
    assert not record.files[0].published
    assert records.path(spec, folder).read_bytes() == path.read_bytes()
    assert records.checksum(spec, folder) == records.sha256(path)
    assert registry.load("coloria", folder=folder).colorize(photograph(ramp()), Settings())
    installing.remove(spec, folder)
    assert records.checksum(spec, folder) == spec.weights.sha256
    assert registry.state(spec, folder) == "installed"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!doctype html>", "not an ONNX network"),
        (b"", "not an ONNX network"),
        (bundle()[:-100_000], "not an ONNX network"),
    ],
)
def test_a_file_that_is_no_coloria_changes_nothing(
    folder: Path, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    assert says in refused(registry.get("coloria"), folder, path)
    assert not everything(folder)


def test_another_onnx_network_is_no_coloria(folder: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    grey, hints, both = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1])
        for name in ("grey", "hints", "both")
    )
    add = onnx.helper.make_node("Add", ["grey", "hints"], ["both"])
    model = onnx.helper.make_model(
        onnx.helper.make_graph([add], "other", [grey, hints], [both]),
        opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    path = tmp_path / "other.onnx"
    path.write_bytes(model.SerializeToString())
    assert "inputs are grey, hints" in refused(registry.get("coloria"), folder, path)


def test_what_is_removed_is_gone(folder: Path, tmp_path: Path) -> None:
    installing.add(TINY, [tiny.raw(tmp_path / "a.pth")], folder)
    installing.remove(TINY, folder)
    assert registry.state(TINY, folder) == "missing"
    assert not everything(folder)


@pytest.mark.parametrize(("name", "says"), [("coloria", "stays"), ("cnn", "is not installed")])
def test_what_is_not_there_cannot_be_removed(folder: Path, name: str, says: str) -> None:
    with pytest.raises(WeightsError, match=says):
        installing.remove(registry.get(name), folder)


def test_a_published_network_is_added_and_colours(folder: Path, tmp_path: Path) -> None:
    spec, path = registry.get("zhang-eccv16"), tmp_path / "mine.pth"
    torch.save(synthetic.state_dict("zhang_eccv16", 1), path)
    record = installing.add(spec, [path], folder)
    assert not record.files[0].published
    assert records.check(spec, folder) == "installed"
    result = registry.load(spec.name, device="cpu", folder=folder).colorize(
        photograph(ramp()), Settings()
    )
    assert np.ptp(result.pixels.astype(int), axis=-1).max() > 0
    shutil.rmtree(folder)
