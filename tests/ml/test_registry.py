"""The table of models and the state of their weights."""

from dataclasses import replace
from pathlib import Path

import pytest

from ml import registry
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
    assert all(name == spec.name for name, spec in registry.MODELS.items())


def test_the_bundled_model_is_whole() -> None:
    assert registry.state(registry.get("coloria")) == "installed"


def test_missing_weights_come_with_their_checksum_and_place(
    spec: ModelSpec, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match="Other is not installed") as caught:
        registry.load("other", folder=tmp_path)
    wanted = f"put coloria.onnx (sha256 {spec.weights.sha256}) into {tmp_path}"
    assert wanted in caught.value.reason


def test_changed_weights_are_corrupt(spec: ModelSpec, tmp_path: Path) -> None:
    (tmp_path / spec.weights.file).write_bytes(b"something else")
    assert registry.state(spec, tmp_path) == "corrupt"
    with pytest.raises(ModelUnavailable):
        registry.load("other", folder=tmp_path)


def test_only_whole_weights_count_as_installed(spec: ModelSpec, tmp_path: Path) -> None:
    assert [row.name for row in registry.installed(tmp_path)] == ["coloria"]
