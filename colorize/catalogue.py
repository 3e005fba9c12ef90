"""The models and limits of this server, as pages and API show them."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

import ml
from colorize import pauses
from ml import registry
from ml.errors import ModelPaused, ModelUnavailable, TooMany
from ml.images import Limits
from ml.spec import ModelSpec

CARDS = Path(ml.__path__[0]) / "cards"
ACCEPT = ".jpg,.jpeg,.png,.webp,.tif,.tiff,.bmp,.gif"


def limits() -> Limits:
    return Limits(settings.COLORIA_MAX_MEGAPIXELS, settings.COLORIA_MAX_MEGABYTES)


def installed() -> list[ModelSpec]:
    return registry.installed(settings.COLORIA_WEIGHTS)


def ready() -> list[ModelSpec]:
    """The installed models that are not paused."""
    paused = pauses.names()
    return [spec for spec in installed() if spec.name not in paused]


def state(spec: ModelSpec, paused: Collection[str] = ()) -> str:
    """ "installed", "missing" or "corrupt"; "paused" in place of the first for one of `paused`."""
    found = registry.state(spec, settings.COLORIA_WEIGHTS)
    return "paused" if found == "installed" and spec.name in paused else found


def default() -> str:
    """The bundled model, or whatever is ready where that is not."""
    names = [spec.name for spec in ready()]
    return names[0] if names and registry.DEFAULT not in names else registry.DEFAULT


def offer(tried: Collection[str] = ()) -> dict[str, Any]:
    """What a form of models and settings shows: the models, what each reads, what is chosen at
    first (a model that was not `tried` yet).
    """
    models = ready()
    reads = {spec.name: list(spec.options) for spec in models}
    options = {name for names in reads.values() for name in names}
    fresh = [spec.name for spec in models if spec.name not in tried]
    return {
        "models": models,
        "reads": reads | {registry.ALL: sorted(options)},
        "options": options,
        "chosen": fresh[0] if tried and fresh else default(),
    }


def chosen(name: str, photos: int) -> list[ModelSpec]:
    """The models that `name` stands for. Raises UnknownModel, ModelUnavailable, ModelPaused,
    TooMany.
    """
    most = 1 if name == registry.ALL else settings.COLORIA_MAX_FILES
    if photos > most:
        raise TooMany(facts={"count": photos, "limit": settings.COLORIA_MAX_FILES})
    if name == registry.ALL and (found := ready()):
        return found
    spec = registry.get(default() if name in ("", registry.ALL) else name)
    if state(spec) != "installed":
        raise ModelUnavailable(
            registry.remedy(spec, settings.COLORIA_WEIGHTS), {"title": spec.title}
        )
    if spec.name in pauses.names():
        raise ModelPaused(facts={"title": spec.title})
    return [spec]


def summary(spec: ModelSpec) -> str:
    """What a model is for, in the language of the request."""
    return gettext(spec.summary) if spec.summary else ""  # gettext("") is the catalogue's header


def card(spec: ModelSpec) -> dict[str, Any] | None:
    """What the evaluation measured of a model, or None."""
    path = CARDS / f"{spec.name}.json"
    if not path.exists():
        return None
    card: dict[str, Any] = json.loads(path.read_text())
    return card
