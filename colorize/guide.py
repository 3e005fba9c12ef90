"""What the models' pages say about the registry's rows: order, comparison, drawing and commands.

The sentences for readers are in templates/models/, one template per model, shared by the row with
published weights ("-x") and the row with weights of our own training.
"""

from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime

from colorize import catalogue, pauses
from colorize.drawings import DRAWINGS, Drawing
from ml import records, registry
from ml.records import Origin, Record
from ml.spec import ModelSpec, Weights

ORDER = ("installed", "corrupt", "missing")
TRAITS = ("unet", "resnet34", "resnet101", "cnn", "gan", "supervised", "unsupervised")
PARTLY = frozenset(
    {"unsupervised"}
)  # no model learns without true colours; a critic needs no pairs
HAS: dict[str, frozenset[str]] = {
    "coloria": frozenset({"unet", "cnn", "supervised"}),
    "artistic": frozenset({"unet", "resnet34", "cnn", "gan", "supervised", "unsupervised"}),
    "stable": frozenset({"unet", "resnet101", "cnn", "gan", "supervised", "unsupervised"}),
    "bigcolor": frozenset({"cnn", "gan", "supervised", "unsupervised"}),
    "zhang-eccv16": frozenset({"cnn", "supervised"}),
    "zhang-siggraph17": frozenset({"unet", "cnn", "supervised"}),
    "cnn": frozenset({"unet", "cnn", "supervised"}),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A model on a page."""

    spec: ModelSpec
    state: str
    card: dict[str, Any] | None
    paused: bool = False  # installed, and held back by the administrator

    @property
    def kind(self) -> str:
        """The name of the network: the same with published weights and with our own."""
        return self.spec.name.removesuffix("-x")

    @property
    def origin(self) -> str:
        """Whose weights: "bundled", "published" or "own" (made with train_model)."""
        if self.spec.bundled:
            return "bundled"
        return "published" if self.spec.weights.urls else "own"

    @property
    def drawing(self) -> Drawing | None:
        return DRAWINGS.get(self.kind)

    @property
    def traits(self) -> list[str]:
        """One of "yes", "partly" and "no" per column of the comparison; nothing where unknown."""
        if self.kind not in HAS:
            return []
        found = HAS[self.kind]
        return [("partly" if t in PARTLY else "yes") if t in found else "no" for t in TRAITS]

    @property
    def templates(self) -> list[str]:
        """The page of this model, or the plain page of a model that has none."""
        return [f"models/{self.kind}.html", "model.html"]


def row(spec: ModelSpec, paused: Collection[str] = ()) -> Row:
    state = catalogue.state(spec)
    held = state == "installed" and spec.name in paused
    return Row(spec, state, catalogue.card(spec), held)


def rows() -> list[Row]:
    """Every model of the registry, those that can be chosen first."""
    paused = pauses.names()
    found = [row(spec, paused) for spec in registry.MODELS.values()]
    return sorted(found, key=lambda row: ORDER.index(row.state))


def compared() -> list[Row]:
    """The rows of the comparison, in the registry's order."""
    return [found for spec in registry.MODELS.values() if (found := row(spec)).traits]


def page(row: Row) -> dict[str, Any]:
    """What the page of one model is filled with."""
    spec, noted = row.spec, record(row.spec)
    files = [weights for weights in (spec.weights, spec.more) if weights]
    origins = noted.files if noted else ()
    taken = [(file, proof(w, file)) for w, file in zip(files, origins, strict=False)]
    return {
        "row": row,
        "spec": spec,
        "summary": catalogue.summary(spec),
        "state": row.state,
        "card": row.card,
        "commands": commands(spec),
        "files": files,
        "taken": taken,
        "foreign": row.state == "installed" and any(worth == "other" for _, worth in taken),
        "added": parse_datetime(noted.added) if noted else None,
        "elsewhere": measured_elsewhere(row, noted),
    }


def commands(spec: ModelSpec) -> list[str]:
    """What the administrator types to install or to mend a model."""
    first = [] if spec.bundled or find_spec("torch") else ["make full"]
    return [*first, registry.remedy(spec, settings.COLORIA_WEIGHTS)]


def proof(weights: Weights, file: Origin) -> str:
    """What the sha256 of a file that was taken in tells: it is the "published" one, an "other", or
    "noted" where none is published.
    """
    if file.published:
        return "published"
    return "other" if weights.sha256 else "noted"


def record(spec: ModelSpec) -> Record | None:
    """What was noted when the weights were taken in, or None."""
    try:
        return records.read(records.home(spec, settings.COLORIA_WEIGHTS))
    except ValueError:  # the state says that they are corrupt
        return None


def measured_elsewhere(row: Row, noted: Record | None) -> bool:
    """Whether the card's figures belong to other weights than those installed here."""
    measured = ((row.card or {}).get("measured") or {}).get("weights_sha256")
    if not measured or row.state != "installed":
        return False
    if noted is None:
        return bool(measured != row.spec.weights.sha256)
    return measured not in {noted.sha256, *(file.sha256 for file in noted.files)}
