"""`manage.py weights`, as a person at the terminal uses it."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from tqdm import tqdm

from ml import records, registry
from ml.spec import ModelSpec
from tests.ml import tiny
from tests.ml.fileserver import Server, running


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.COLORIA_WEIGHTS = tmp_path / "weights"
    return tmp_path / "weights"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tiny.raw(tmp_path / "mine.pth")


@pytest.fixture
def spec(
    server: Server, folder: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> ModelSpec:
    """The tiny model, whose publisher has its file; its size counts in thousands here."""
    url = server.serve("tiny.pth", checkpoint.read_bytes())
    weights = replace(tiny.SPEC.weights, urls=(url,), megabytes=2)
    spec = replace(tiny.SPEC, weights=weights, more=None)
    monkeypatch.setattr("ml.fetching.MEGABYTE", 1000)
    monkeypatch.setattr(registry, "MODELS", {"tiny": spec, "coloria": registry.get("coloria")})
    return spec


def run(*arguments: object) -> str:
    out = io.StringIO()
    call_command("weights", *map(str, arguments), stdout=out, no_color=True)
    return out.getvalue()


def fails(*arguments: object) -> str:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return str(caught.value)


def line(name: str) -> str:
    """What `list` says of a model, with the command below it."""
    before, found, after = run("list").partition(name)
    assert found and not before.strip().endswith("->")
    head, _, rest = after.partition("\n")
    remedy = rest.partition("\n")[0].strip()
    return head + (f" {remedy}" if remedy.startswith("->") else "")


def test_every_model_is_listed_with_what_would_install_it(folder: Path) -> None:
    listed = run("list")
    for spec in registry.MODELS.values():
        assert spec.name in listed
        assert spec.weights.licence in listed
    assert "-> python manage.py weights fetch artistic-x" in listed
    assert "-> python manage.py weights add cnn my_model.keras" in listed
    assert "coloria           installed    15 MB  Apache-2.0   sha256 published" in listed


def test_fetched_weights_are_listed_with_their_checksum(spec: ModelSpec, checkpoint: Path) -> None:
    assert "missing" in line("tiny")
    assert "-> python manage.py weights fetch tiny" in line("tiny")
    assert f"sha256 {records.sha256(checkpoint)}" in run("fetch", "tiny")
    assert "installed" in line("tiny")
    assert "sha256 recorded at first fetch" in line("tiny")


def test_what_is_installed_is_not_fetched_again(spec: ModelSpec, server: Server) -> None:
    run("fetch", "tiny")
    assert "installed already" in run("fetch", "tiny")
    assert len(server.asked) == 1


def test_a_published_checksum_is_shown_as_such(
    spec: ModelSpec, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = records.sha256(checkpoint)[:8]
    known = replace(spec, weights=replace(spec.weights, sha256=digits))
    monkeypatch.setitem(registry.MODELS, "tiny", known)
    assert "sha256 published" in run("fetch", "tiny")
    assert "sha256 published" in line("tiny")


def test_somebody_elses_weights_are_shown_as_such(
    spec: ModelSpec, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = replace(spec, weights=replace(spec.weights, sha256="0" * 64))
    monkeypatch.setitem(registry.MODELS, "tiny", known)
    assert "not the published file" in run("add", "tiny", checkpoint)
    assert "not the published file" in line("tiny")
    run("remove", "tiny")
    assert "sent another file" in fails("fetch", "tiny")


def test_a_failed_fetch_says_what_to_do(spec: ModelSpec, server: Server) -> None:
    server.serve("tiny.pth", b"<html>", kind="text/html")
    said = fails("fetch", "tiny")
    assert "127.0.0.1 sent a web page, not the file." in said
    assert said.endswith(
        "Get tiny.pth yourself and run: python manage.py weights add tiny tiny.pth"
    )


def test_a_fetched_file_that_does_not_fit_is_thrown_away(
    spec: ModelSpec, server: Server, checkpoint: Path, folder: Path
) -> None:
    server.serve("tiny.pth", checkpoint.read_bytes(), length=1000)
    assert "tiny.pth: damaged" in fails("fetch", "tiny")
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["lock"]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell without job control starts what it puts into the background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_leaves_what_came_and_says_how_to_go_on(
    spec: ModelSpec, server: Server, checkpoint: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = checkpoint.read_bytes()
    server.serve("tiny.pth", body, cut=900)
    with monkeypatch.context() as patch:
        patch.setattr(tqdm, "update", lambda *_: signal.raise_signal(signal.SIGINT))
        said = fails("fetch", "tiny")
    assert said.endswith("to go on: python manage.py weights fetch tiny")
    came = next(folder.rglob("*.part")).stat().st_size
    assert 0 < came <= 900
    assert f"{came} B fetched so far" in line("tiny")
    server.serve("tiny.pth", body)
    run("fetch", "tiny")
    assert server.asked[-1][1]["Range"] == f"bytes={came}-"


def test_ctrl_c_in_any_other_action_changes_nothing(
    spec: ModelSpec, checkpoint: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(records, "write", stop)
    with pytest.raises(CommandError, match="Nothing was changed") as caught:
        run("add", "tiny", checkpoint)
    assert caught.value.returncode == 130
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["lock"]


def test_corrupt_weights_are_found_and_mended(spec: ModelSpec, folder: Path) -> None:
    run("fetch", "tiny")
    path = records.path(spec, folder)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(path)
    assert "corrupt" in line("tiny")
    assert fails("verify") == "1 not as installed"
    run("fetch", "tiny")
    assert run("verify", "tiny") == "tiny: installed\n"


def test_verify_reads_every_byte(spec: ModelSpec, folder: Path) -> None:
    """A disk that forgets changes neither size nor time."""
    run("fetch", "tiny")
    path = records.path(spec, folder)
    stat = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert "installed" in line("tiny")
    assert fails("verify", "tiny") == "1 not as installed"


def test_verify_passes_over_what_is_missing_unless_asked(spec: ModelSpec) -> None:
    assert run("verify") == "coloria: installed\n"
    assert fails("verify", "tiny") == "1 not as installed"


def test_a_copied_folder_is_as_good(spec: ModelSpec, folder: Path) -> None:
    """Copying changes the time of a file; verify takes the new one over."""
    run("fetch", "tiny")
    os.utime(records.path(spec, folder), ns=(1, 1))
    assert registry.state(spec, folder) == "installed"
    run("verify")
    record = records.read(folder / "tiny")
    assert record and record.modified == 1


def test_removed_weights_are_missing(spec: ModelSpec) -> None:
    run("fetch", "tiny")
    assert run("remove", "tiny") == "tiny: removed\n"
    assert "missing" in line("tiny")
    assert fails("remove", "tiny") == "tiny is not installed."


def test_the_bundled_model_stays(folder: Path) -> None:
    assert fails("remove", "coloria") == "coloria comes with COLORIA and stays."


def test_a_model_that_no_server_has_is_said_to_be_so(folder: Path) -> None:
    assert fails("fetch", "cnn").startswith("No server has the weights of cnn.")


def test_an_unknown_model_comes_with_the_known_ones(folder: Path) -> None:
    said = fails("fetch", "nope")
    assert "nope is not a model" in said
    assert "bigcolor-x" in said


def test_the_command_starts_without_a_framework(folder: Path) -> None:
    script = (
        "import sys, django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('weights', 'list')\n"
        "names = 'torch safetensors tensorflow keras openvino onnxruntime'.split()\n"
        "print([name for name in names if name in sys.modules], file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr.strip().endswith("[]")
