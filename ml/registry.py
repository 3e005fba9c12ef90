"""The table of models. A new model of a known family is one new row here."""

import importlib
from pathlib import Path

from ml import records
from ml.errors import ModelUnavailable, UnknownModel, gettext_noop
from ml.records import State
from ml.spec import Colorizer, Memory, ModelSpec, Weights

ALL = "all"  # every installed model
DEFAULT = "coloria"

DEOLDIFY = "https://github.com/jantic/DeOldify"
BIGCOLOR = "https://github.com/KIMGEONUNG/BigColor"
COLORIZATION = "https://github.com/richzhang/colorization"
BUCKET = "https://colorizers.s3.us-east-2.amazonaws.com"
DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
UNSAID = "NOASSERTION"  # SPDX: the publisher says nothing about the weights

# As benchmarks/networks.py measures them, rounded up.
ARTISTIC, STABLE = Memory(600, 8500), Memory(1100, 9500)
GENERATIVE, ZHANG = Memory(500, 8000), Memory(450, 4000)


def row(
    name: str,
    title: str,
    summary: str,
    family: str,
    weights: Weights,
    kind: str = "",
    *,
    size: int,
    options: tuple[str, ...],
    source: str,
    memory: Memory,
    keeps_shape: bool = False,
    more: Weights | None = None,
) -> ModelSpec:
    """A model of one of the report's families; `kind` tells networks of one family apart."""
    return ModelSpec(
        name=name,
        title=title,
        family=family,
        backend=f"ml.backends.{family}:load",
        network=f"ml.backends.checkpoints.{family}:{kind or 'network'}",
        weights=weights,
        more=more,
        size=size,
        memory=memory,
        keeps_shape=keeps_shape,
        options=options,
        summary=summary,
        source=source,
    )


def ours(file: str) -> Weights:
    """Weights of our own recipes: made with `train_model`, taken in with `weights add`."""
    return Weights(file, "", "Apache-2.0", "COLORIA")


MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name="coloria",
            title="Coloria",
            family="coloria",
            backend="ml.backends.coloria:load",
            weights=Weights(
                file="coloria.onnx",
                sha256="8ced8494f68b363881aeca8135382516229dc1b73860d4f00aff96c0fd8647c3",
                licence="Apache-2.0",
                publisher="COLORIA",
            ),
            size=224,
            memory=Memory(170, 2500),
            keeps_shape=True,
            options=("strength", "hints"),
            summary=gettext_noop(
                "The one to start with: quick on any computer, and careful in its colours."
            ),
            bundled=True,
        ),
        row(
            "artistic-x",
            "DeOldify Artistic",
            gettext_noop(
                "For a single picture that should look vivid: rich in detail, sometimes patchy."
            ),
            "deoldify",
            Weights(
                "ColorizeArtistic_gen.pth",
                "",
                "MIT",
                "Jason Antic",
                ("https://data.deepai.org/deoldify/ColorizeArtistic_gen.pth",),
                255,
            ),
            size=560,
            memory=ARTISTIC,
            options=("strength", "render_factor"),
            source=DEOLDIFY,
        ),
        row(
            "stable-x",
            "DeOldify Stable",
            gettext_noop("For portraits and landscapes that should look natural: calm and even."),
            "deoldify",
            Weights(
                "ColorizeStable_gen.pth",
                "",
                "MIT",
                "Jason Antic",
                (
                    "https://data.deepai.org/deoldify/ColorizeStable_gen.pth",
                    "https://www.dropbox.com/s/axsd2g85uyixaho/ColorizeStable_gen.pth?dl=1",
                ),
                874,
            ),
            size=560,
            memory=STABLE,
            options=("strength", "render_factor"),
            source=DEOLDIFY,
        ),
        row(
            "bigcolor-x",
            "BigColor",
            gettext_noop(
                "For strong colours and several versions of one picture: each seed gives another."
            ),
            "bigcolor",
            Weights(
                "EG_011.ckpt",
                "",
                UNSAID,
                "Geonung Kim et al.",
                (DRIVE + "1SCrcIxhm2F1SMTUUcNTEtB4fQu6y7RDK",),
                421,
            ),
            more=Weights(
                "EG_EMA_011.ckpt",
                "",
                UNSAID,
                "Geonung Kim et al.",
                (DRIVE + "1A6JwWeedJa56_6lDOkkR3hqvJ_aNUghE",),
                421,
            ),
            size=256,
            memory=GENERATIVE,
            keeps_shape=True,
            options=("strength", "seed", "label", "candidates"),
            source=BIGCOLOR,
        ),
        row(
            "zhang-eccv16",
            "Zhang 2016",
            gettext_noop(
                "The classic of 2016, to compare with: lively colours, chosen from a palette."
            ),
            "zhang",
            Weights(
                "colorization_release_v2-9b330a0b.pth",
                "9b330a0b",
                UNSAID,
                "Richard Zhang et al.",
                (f"{BUCKET}/colorization_release_v2-9b330a0b.pth",),
                129,
            ),
            "eccv16",
            size=256,
            memory=ZHANG,
            options=("strength",),
            source=COLORIZATION,
        ),
        row(
            "zhang-siggraph17",
            "Zhang 2017",
            gettext_noop("For pictures of which you know some colours: it follows your hints."),
            "zhang",
            Weights(
                "siggraph17-df00044c.pth",
                "df00044c",
                UNSAID,
                "Richard Zhang et al.",
                (f"{BUCKET}/siggraph17-df00044c.pth",),
                137,
            ),
            "siggraph17",
            size=256,
            memory=ZHANG,
            options=("strength", "hints"),
            source=COLORIZATION,
        ),
        row(
            "artistic",
            "Artistic (COLORIA)",
            gettext_noop("DeOldify's vivid network with weights from our own recipe."),
            "deoldify",
            ours("artistic.pth"),
            size=560,
            memory=ARTISTIC,
            options=("strength", "render_factor"),
            source=DEOLDIFY,
        ),
        row(
            "stable",
            "Stable (COLORIA)",
            gettext_noop("DeOldify's calm network with weights from our own recipe."),
            "deoldify",
            ours("stable.pth"),
            size=560,
            memory=STABLE,
            options=("strength", "render_factor"),
            source=DEOLDIFY,
        ),
        row(
            "bigcolor",
            "BigColor (COLORIA)",
            gettext_noop("The BigColor network with weights from our own recipe."),
            "bigcolor",
            ours("bigcolor.ckpt"),
            size=256,
            memory=GENERATIVE,
            keeps_shape=True,
            options=("strength", "seed", "label", "candidates"),
            source=BIGCOLOR,
        ),
        row(
            "cnn",
            "CNN (Keras U-Net)",
            gettext_noop("The plainest network: it shows what the others add."),
            "cnn",
            ours("my_model.keras"),
            size=160,
            memory=Memory(150, 2000),
            options=("strength", "raw"),
            source="",
        ),
    )
}


def get(name: str) -> ModelSpec:
    """The row of a model. Raises UnknownModel."""
    try:
        return MODELS[name]
    except KeyError:
        raise UnknownModel(f"{name!r} is not in the registry") from None


def load(
    name: str, weights: Path | None = None, device: str = "auto", folder: Path = Path("var/weights")
) -> Colorizer:
    """A colorizer of model `name` with its own weights, or with the checkpoint at `weights` in the
    model's format.

    Raises UnknownModel, or ModelUnavailable whose reason says how to install the weights.
    """
    spec = get(name)
    if weights is None:
        found = state(spec, folder)
        if found != "installed":
            raise ModelUnavailable(f"{found}: {remedy(spec, folder)}", {"title": spec.title})
        weights = records.place(spec, folder)
    module, _, function = spec.backend.partition(":")
    build = getattr(importlib.import_module(module), function)
    colorizer: Colorizer = build(spec, weights, device)
    return colorizer


def state(spec: ModelSpec, folder: Path = Path("var/weights")) -> State:
    """Whether the weights are there and are those that were taken in."""
    return records.state(spec, folder)


def installed(folder: Path = Path("var/weights")) -> list[ModelSpec]:
    """The models that can colour a photo now, in the order of the table."""
    return [spec for spec in MODELS.values() if state(spec, folder) == "installed"]


def remedy(spec: ModelSpec, folder: Path = Path("var/weights")) -> str:
    """The command that installs or mends the weights."""
    if records.bundled(spec, folder):
        return f"git checkout -- ml/weights/{spec.weights.file}"
    if spec.bundled:
        return f"python manage.py weights remove {spec.name}"
    if spec.weights.urls:
        return f"python manage.py weights fetch {spec.name}"
    files = [weights.file for weights in (spec.weights, spec.more) if weights]
    return f"python manage.py weights add {spec.name} {' '.join(files)}"
