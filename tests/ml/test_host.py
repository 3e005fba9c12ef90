"""The model host: a dead, slow or hungry child costs one job, never the next one (S148)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.errors import BadImage, Cancelled, Crashed, ModelUnavailable, OutOfMemory, TimedOut
from ml.host import Host, Order, Painted, Shelf
from ml.images import Limits
from ml.spec import Settings
from tests import fakes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for the child in /proc")
MODELS = {"fake": fakes.SPEC, "missing": fakes.MISSING}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    fakes.install(tmp_path)
    Image.linear_gradient("L").resize((20, 10)).save(tmp_path / "in.png")
    opened = Host(tmp_path, 10**9, Limits(), "cpu", MODELS)
    yield opened
    opened.close()


def ask(host: Host, folder: Path, seed: int = 0, timeout: float = 30, **options: Any) -> Painted:
    model, stop = options.pop("model", "fake"), options.pop("stop", lambda: False)
    source, target = folder / "in.png", folder / "out.png"
    order = Order(model, source, target, "in.png", Settings(seed=seed), 20, 10, **options)
    return host.colorize(order, timeout, stop)


def children() -> set[int]:
    """The model hosts below this process."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    found = {int(pid) for path in tasks for pid in path.read_text().split()}
    return {pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_it_writes_the_result_at_the_photos_size(host: Host, tmp_path: Path) -> None:
    painted = ask(host, tmp_path)
    assert (painted.width, painted.height, painted.format) == (20, 10, "PNG")
    with Image.open(tmp_path / "out.png") as result:
        assert np.asarray(result)[5, 5, 0] > np.asarray(result)[5, 5, 1]


def test_it_writes_both_previews(host: Host, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    ask(host, tmp_path, source_preview=before, target_preview=after)
    with Image.open(before) as grey, Image.open(after) as colour:
        assert (grey.format, colour.format) == ("JPEG", "JPEG")


def test_one_child_serves_many_jobs(host: Host, tmp_path: Path) -> None:
    ask(host, tmp_path)
    first = children()
    ask(host, tmp_path)
    assert len(first) == 1 and children() == first


@pytest.mark.parametrize(
    ("seed", "error"),
    [
        (fakes.DIE, OutOfMemory),
        (fakes.EXIT, Crashed),
        (fakes.STARVE, OutOfMemory),
        (fakes.STARVE_ONNX, OutOfMemory),
        (fakes.BREAK, ZeroDivisionError),
    ],
)
def test_a_failure_costs_one_job_and_the_next_succeeds(
    host: Host, tmp_path: Path, seed: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(host, tmp_path, seed)
    assert ask(host, tmp_path).width == 20


def test_a_slow_job_times_out_and_the_next_succeeds(host: Host, tmp_path: Path) -> None:
    with pytest.raises(TimedOut):
        ask(host, tmp_path, fakes.SLEEP, timeout=0.5)
    assert ask(host, tmp_path).width == 20


def test_a_cancel_ends_the_child_within_two_seconds(host: Host, tmp_path: Path) -> None:
    ask(host, tmp_path)
    (child,) = children()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        ask(host, tmp_path, fakes.SLEEP, stop=lambda: time.monotonic() - began > 0.5)
    while Path(f"/proc/{child}").exists():
        assert time.monotonic() - began < 2.5
        time.sleep(0.05)
    assert ask(host, tmp_path).width == 20


def test_a_child_killed_while_idle_is_replaced(host: Host, tmp_path: Path) -> None:
    ask(host, tmp_path)
    (child,) = children()
    os.kill(child, signal.SIGKILL)
    time.sleep(1)
    assert ask(host, tmp_path).width == 20


def test_a_bad_photo_is_told_by_its_name(host: Host, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes((tmp_path / "in.png").read_bytes()[:60])
    with pytest.raises(BadImage) as refused:
        ask(host, tmp_path)
    assert refused.value.facts == {"name": "in.png"}


def test_a_model_without_weights_says_how_to_get_them(host: Host, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"Missing is not installed") as refused:
        ask(host, tmp_path, model="missing")
    assert "weights add missing missing.bin" in refused.value.reason


def test_closing_leaves_no_child(host: Host, tmp_path: Path) -> None:
    ask(host, tmp_path)
    host.close()
    assert children() == set()


def test_the_child_follows_a_parent_that_was_killed(tmp_path: Path) -> None:
    fakes.install(tmp_path)
    Image.new("L", (8, 8)).save(tmp_path / "in.png")
    script = (
        "import sys; from pathlib import Path; from tests.ml import test_host as t\n"
        "if __name__ == '__main__':\n"
        "    folder = Path(sys.argv[1])\n"
        "    host = t.Host(folder, 10**9, t.Limits(), 'cpu', t.MODELS)\n"
        "    t.ask(host, folder)\n"
        "    print(*t.children(), flush=True)\n"
        f"    t.ask(host, folder, {fakes.SLEEP})\n"
    )
    (tmp_path / "parent.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py", tmp_path],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.stdout.close()


def alive(pid: int) -> bool:
    """Not gone, nor a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_least_recently_used_model_leaves_a_full_shelf(monkeypatch: Any) -> None:
    sizes = iter(range(0, 1000, 40))  # each load takes 40 bytes more
    monkeypatch.setattr("ml.host.resident", lambda: next(sizes))
    loaded: list[str] = []
    shelf = Shelf(100, lambda name: loaded.append(name) or fakes.Fake())  # type: ignore[func-returns-value]
    for name in ("a", "b", "a", "c", "a", "b"):
        shelf.get(name)
    assert loaded == ["a", "b", "c", "b"]


def test_other_weights_are_loaded_when_they_are_installed() -> None:
    loaded: list[str] = []
    stamps = {"a": 1, "b": 1}
    shelf = Shelf(10**9, lambda name: loaded.append(name) or fakes.Fake(), stamps.__getitem__)  # type: ignore[func-returns-value]
    for name in ("a", "b", "a"):
        shelf.get(name)
    stamps["a"] = 2
    for name in ("a", "b", "a"):
        shelf.get(name)
    assert loaded == ["a", "b", "a"]


def test_asking_loads_no_framework_into_the_asking_process() -> None:
    frameworks = "torch tensorflow keras fastai torchvision openvino onnxruntime"
    script = f"import sys, ml.host; print([n for n in '{frameworks}'.split() if n in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
