"""What a model is: three small records and one protocol."""

from dataclasses import dataclass
from typing import Protocol

from ml.images import Photograph


@dataclass(frozen=True, slots=True)
class Hint:
    """A colour the user knows: a place as shares of width and height (0..1) and an sRGB colour
    0..255.
    """

    x: float
    y: float
    rgb: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Settings:
    """How one photo is to be coloured. Every model reads the settings it knows and ignores the
    others.

    strength: 0 grey, 1 the model's own colour, up to 2 more vivid. render_factor: DeOldify's
    (7-45), side / 16. label: the ImageNet class (0-999) that BigColor takes the photo for; without
    one, the seed draws it. candidates: how many pictures (1-5) BigColor makes to keep the most
    believable. raw: the network's own picture, without the photo's luma and sharpness.
    """

    strength: float = 1.0
    render_factor: int | None = None
    seed: int = 0
    hints: tuple[Hint, ...] = ()
    label: int | None = None
    candidates: int = 1
    raw: bool = False


class Colorizer(Protocol):
    def colorize(self, photo: Photograph, settings: Settings) -> Photograph: ...


@dataclass(frozen=True, slots=True)
class Weights:
    """A file as its publisher gives it: how it is trusted and where it is fetched from.

    sha256 is the published one: whole, or its first digits as torch writes them into file names, or
    "" where none was published. megabytes is its size, to refuse what is far from it.
    """

    file: str
    sha256: str
    licence: str  # SPDX
    publisher: str
    urls: tuple[str, ...] = ()
    megabytes: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """What a model takes on a processor, as benchmarks/networks.py measures it."""

    weights: int  # MB, loaded and at rest
    per_pixel: int  # bytes per pixel of the network's input while it works


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One row of the registry. Dotted paths are imported on first use.

    backend: `load(spec, path, device)` returns a Colorizer of installed weights or of a checkpoint
    in the format of its project. network: `network(paths, title)` reads such checkpoints safely and
    strictly and returns the torch module; "" where the weights need no conversion.
    """

    name: str
    title: str
    family: str
    backend: str
    weights: Weights
    size: int  # pixels of the shorter side of the network's input
    memory: Memory = Memory(100, 1000)
    keeps_shape: bool = False  # the input has the photo's shape, up to 4:1, and is not a square
    network: str = ""
    more: Weights | None = None  # a second file that may come with the first
    options: tuple[str, ...] = ()  # fields of Settings that this model reads
    summary: str = ""
    source: str = ""  # the project's page
    bundled: bool = False
