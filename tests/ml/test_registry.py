"""The table of models and the state of their weights."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import load_command_class

from ml import installing, records, registry
from ml.errors import ModelUnavailable, UnknownModel
from ml.spec import ModelSpec


@pytest.fixture
def spec(monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    row = replace(registry.MODELS["coloria"], name="other", title="Other", bundled=False)
    monkeypatch.setitem(registry.MODELS, "other", row)
    return row


def test_a_name_that_is_not_in_the_table_is_unknown() -> None:
    with pytest.raises(UnknownModel, match="no model with this name"):
        registry.get("nope")


def test_every_row_is_named_like_its_key() -> None:
    """S187."""
    assert all(name == spec.name for name, spec in registry.MODELS.items())


def test_the_bundled_model_is_whole() -> None:
    assert registry.state(registry.get("coloria")) == "installed"


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("artistic-x", "python manage.py weights fetch artistic-x"),
        ("bigcolor", "python manage.py weights add bigcolor bigcolor.ckpt"),
    ],
)
def test_missing_weights_come_with_the_command_that_installs_them(
    tmp_path: Path, name: str, command: str
) -> None:
    with pytest.raises(ModelUnavailable, match="is not installed on this server") as caught:
        registry.load(name, folder=tmp_path)
    assert caught.value.reason == f"missing: {command}"


def test_a_remedy_is_a_command_that_exists() -> None:
    for spec in registry.MODELS.values():
        remedy = registry.remedy(spec)
        if spec.bundled:
            assert remedy == "git checkout -- ml/weights/coloria.onnx"
            continue
        _, manage, *arguments = remedy.split()
        assert manage == "manage.py"
        parser = load_command_class("ml", arguments[0]).create_parser(manage, arguments[0])
        assert parser.parse_args(arguments[1:]).name == spec.name


def installed(spec: ModelSpec, folder: Path) -> Path:
    """Weights in their place, as `weights add` leaves them; what they hold does not matter."""
    home = records.home(spec, folder)
    home.mkdir(parents=True)
    path = home / records.kept_as(spec)
    path.write_bytes(b"weights")
    records.write(home, records.describe(path))
    return path


def test_weights_with_their_record_are_installed(spec: ModelSpec, tmp_path: Path) -> None:
    path = installed(spec, tmp_path)
    assert path == tmp_path / "other/weights.onnx"
    assert registry.state(spec, tmp_path) == "installed"
    assert [row.name for row in registry.installed(tmp_path)] == ["coloria", "other"]


def test_weights_without_a_record_are_not_installed(spec: ModelSpec, tmp_path: Path) -> None:
    installed(spec, tmp_path).with_name("record.json").unlink()
    assert registry.state(spec, tmp_path) == "missing"


def test_looking_at_weights_does_not_read_them(
    spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page shows every model, and the largest has 874 MB."""
    installed(spec, tmp_path)
    monkeypatch.delattr(records, "sha256")
    assert registry.state(spec, tmp_path) == "installed"


@pytest.mark.parametrize("content", [b"another", b"other weights", b""])
def test_changed_weights_are_corrupt(spec: ModelSpec, tmp_path: Path, content: bytes) -> None:
    path = installed(spec, tmp_path)
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    assert registry.state(spec, tmp_path) == "corrupt"
    with pytest.raises(ModelUnavailable) as caught:
        registry.load("other", folder=tmp_path)
    assert caught.value.reason.startswith("corrupt: python manage.py weights")


def test_copied_weights_are_installed(spec: ModelSpec, tmp_path: Path) -> None:
    os.utime(installed(spec, tmp_path), ns=(1, 1))
    assert registry.state(spec, tmp_path) == "installed"


def test_lost_weights_are_corrupt(spec: ModelSpec, tmp_path: Path) -> None:
    installed(spec, tmp_path).unlink()
    assert registry.state(spec, tmp_path) == "corrupt"


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"files": [{}]}', '{"files": 3}'])
def test_a_record_that_makes_no_sense_is_corrupt(
    spec: ModelSpec, tmp_path: Path, text: str
) -> None:
    installed(spec, tmp_path).with_name("record.json").write_text(text)
    assert registry.state(spec, tmp_path) == "corrupt"


def test_weights_are_read_in_full_before_they_are_used(spec: ModelSpec, tmp_path: Path) -> None:
    """A disk that forgets changes neither size nor time."""
    path = installed(spec, tmp_path)
    modified = path.stat().st_mtime_ns
    path.write_bytes(b"WEIGHTS")
    os.utime(path, ns=(modified, modified))
    with pytest.raises(ModelUnavailable) as caught:
        registry.load("other", folder=tmp_path)
    assert "not what was installed" in caught.value.reason


def test_removing_damaged_weights_brings_the_bundled_ones_back(tmp_path: Path) -> None:
    spec = registry.get("coloria")
    installed(spec, tmp_path).write_bytes(b"!")
    assert registry.state(spec, tmp_path) == "corrupt"
    assert registry.remedy(spec, tmp_path) == "python manage.py weights remove coloria"
    installing.remove(spec, tmp_path)
    assert registry.state(spec, tmp_path) == "installed"


def test_a_checksum_is_of_the_file_that_was_taken_in(spec: ModelSpec, tmp_path: Path) -> None:
    path = installed(spec, tmp_path)
    origin = records.Origin("a.onnx", "abc", 7, "", False)
    records.write(path.parent, records.describe(path, [origin]))
    assert records.checksum(spec, tmp_path) == "abc"
    coloria = registry.get("coloria")
    assert records.checksum(coloria, tmp_path) == records.sha256(records.path(coloria, tmp_path))
