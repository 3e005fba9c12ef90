"""What OpenVINO keeps beside the weights is made anew when it is damaged, foreign or stale, and a
photo is coloured even where nothing can be kept.
"""

import resource
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ml import records
from ml.backends import engines
from ml.backends.engines import BIN, SEAL, XML
from ml.errors import ModelUnavailable
from ml.spec import ModelSpec
from tests.ml import tiny

SPEC = replace(tiny.SPEC, network="tests.ml.test_engines:network")
GREY = np.ones((1, 1, 8, 8), np.float32)
RELEASE = openvino.get_version().partition("-")[0]


def network(paths: Sequence[Path], title: str) -> nn.Module:
    """A convolution of 1x1 that multiplies."""
    net = nn.Conv2d(1, 2, 1, bias=False)
    net.load_state_dict(load_file(paths[0]))
    return net.eval()


def install(folder: Path, factor: float) -> None:
    """Weights that make `factor` of every pixel."""
    save_file({"weight": torch.full((2, 1, 1, 1), float(factor))}, folder / records.CONVERTED)
    records.write(folder, records.describe(folder / records.CONVERTED))


def answer(folder: Path, spec: ModelSpec = SPEC) -> float:
    return float(engines.load(spec, folder, "cpu", [GREY])(GREY).mean())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Installed weights that have been loaded once."""
    install(tmp_path, 3)
    assert answer(tmp_path) == 3
    return tmp_path


@pytest.fixture
def kept(folder: Path) -> Path:
    return folder / f"openvino-{RELEASE}"


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond `room` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_converted_network_is_read_without_torchs_weights(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {path.name for path in kept.iterdir()} == {XML, BIN, SEAL}
    monkeypatch.setattr(engines, "convert", None)
    assert answer(folder) == 3


@pytest.mark.parametrize("name", [XML, BIN, SEAL])
@pytest.mark.parametrize("harm", ["cut", "zeroed", "gone"])
def test_a_damaged_part_is_made_anew(folder: Path, kept: Path, name: str, harm: str) -> None:
    part, size = kept / name, (kept / name).stat().st_size
    part.unlink() if harm == "gone" else part.write_bytes(
        bytes(size // 2 if harm == "cut" else size)
    )
    assert answer(folder) == 3
    assert engines.intact(kept, engines.origin(folder))


def test_what_was_made_of_other_weights_is_made_anew(folder: Path) -> None:
    install(folder, 5)
    assert answer(folder) == 5


def test_what_other_releases_and_killed_workers_left_goes(folder: Path, kept: Path) -> None:
    shutil.rmtree(kept)
    for left in ("openvino-2024.0.0", f"openvino-{RELEASE}.99999"):
        (folder / left).mkdir()
        (folder / left / BIN).write_bytes(b"old")
    assert answer(folder) == 3
    assert list(folder.glob("openvino-*")) == [kept]


def test_a_worker_that_was_quicker_is_left_in_peace(folder: Path, kept: Path) -> None:
    found = (kept / BIN).stat().st_ino
    model = engines.convert(engines.network(SPEC, folder), [GREY])
    engines.keep(model, kept, engines.origin(folder))
    assert (kept / BIN).stat().st_ino == found
    assert list(folder.glob("openvino-*")) == [kept]


@pytest.mark.parametrize("room", [0, 100])
def test_a_full_disk_costs_no_photo(
    folder: Path, kept: Path, room: int, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(kept)
    with full_disk(room):
        assert answer(folder) == 3
    assert "tiny: the converted network cannot be kept" in caplog.text
    assert not list(folder.glob("openvino-*"))


def test_a_folder_that_may_not_be_written_costs_no_photo(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    shutil.rmtree(kept)
    monkeypatch.setattr(Path, "mkdir", refused)
    assert answer(folder) == 3
    assert not kept.exists()


def test_the_gpu_asked_for_is_the_one_that_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "TorchEngine", lambda net, device: device)
    monkeypatch.setattr(engines, "gpu", lambda device: device != "cpu")
    asked = ("auto", "cuda", "cuda:1")
    assert [engines.load(SPEC, folder, name, [GREY]) for name in asked] == ["cuda", *asked[1:]]


def test_damaged_weights_are_refused_when_the_network_has_to_be_made_anew(
    folder: Path, kept: Path
) -> None:
    (kept / BIN).write_bytes(b"")
    weights = folder / records.CONVERTED
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    with pytest.raises(ModelUnavailable) as caught:
        answer(folder)
    assert caught.value.reason == "tiny: not what was installed"
