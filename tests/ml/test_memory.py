"""A photo that cannot fit is refused before it starts (S148)."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ml import host, memory, registry
from ml.errors import OutOfMemory
from ml.host import Order, Shelf
from ml.images import Limits
from ml.spec import Memory, Settings
from tests import fakes

GIGABYTE = 10**9


@pytest.mark.skipif(sys.platform != "linux", reason="the C library elsewhere decides alone")
def test_what_is_free_goes_back_to_the_system() -> None:
    """Small blocks that lie between others are kept by the C library until it is asked."""
    blocks = [bytes(4000) for _ in range(50_000)]
    kept = blocks[::100]
    del blocks
    before = host.resident()
    memory.give_back()
    assert host.resident() < before - 100_000_000
    assert len(kept) == 500


def test_a_higher_render_factor_needs_more() -> None:
    spec = registry.get("artistic-x")
    low, high = (memory.needed(spec, Settings(render_factor=n), 1000, 800) for n in (20, 40))
    assert high - low == spec.memory.per_pixel * (640**2 - 320**2)


def test_a_strip_needs_more_where_the_input_keeps_its_shape() -> None:
    square = memory.input_pixels(registry.get("bigcolor-x"), Settings(), 1000, 1000)
    assert memory.input_pixels(registry.get("bigcolor-x"), Settings(), 9000, 1000) == 4 * square
    assert memory.input_pixels(registry.get("zhang-eccv16"), Settings(), 9000, 1000) == 256**2


def test_a_larger_photo_needs_more() -> None:
    spec = registry.get("coloria")
    needs = [memory.needed(spec, Settings(), side, side) for side in (1000, 2000)]
    assert needs[1] - needs[0] == 3_000_000 * memory.COMPOSING


def test_several_candidates_need_their_judge() -> None:
    spec = registry.get("bigcolor-x")
    one, five = (memory.needed(spec, Settings(candidates=n), 500, 500) for n in (1, 5))
    assert five - one == memory.CRITIC


def test_a_containers_limit_counts_without_its_file_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert memory.of_container() is None
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    assert memory.of_container() == 450
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.of_container() is None


def test_the_machine_says_what_is_free() -> None:
    assert memory.of_machine() is None or 2**20 < memory.of_machine() < 2**50


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The child's own state, here; the fake takes 2 GB, the other network holds 3."""
    spec = replace(fakes.SPEC, memory=Memory(weights=2000, per_pixel=0))
    monkeypatch.setitem(registry.MODELS, "fake", spec)
    fakes.install(tmp_path)
    held = Shelf(10**12, lambda name: fakes.Fake())
    monkeypatch.setattr(host, "_shelf", held, raising=False)
    monkeypatch.setattr(host, "_limits", Limits(), raising=False)
    free = {True: 4 * GIGABYTE, False: GIGABYTE}
    monkeypatch.setattr(memory, "free", lambda: free["other" not in held.held])
    return held


def order(folder: Path) -> Order:
    return Order("fake", folder / "none.png", folder / "out.png", "none.png", Settings(), 100, 100)


def test_other_networks_go_before_a_photo_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    shelf.get("other")
    with pytest.raises(FileNotFoundError):  # it went on to open the photo
        host._colorize(order(tmp_path))
    assert "other" not in shelf.held


def test_a_photo_that_cannot_fit_is_refused_before_it_is_opened(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free", lambda: GIGABYTE)
    with pytest.raises(OutOfMemory) as caught:
        host._colorize(order(tmp_path))
    assert caught.value.reason == "2000 MB wanted, 1000 MB free"


def test_what_is_loaded_already_is_not_counted_twice(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free", lambda: GIGABYTE)
    shelf.get("fake")
    with pytest.raises(FileNotFoundError):
        host._colorize(order(tmp_path))
