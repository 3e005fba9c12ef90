"""The bundled model on ONNX Runtime: luma and hints in, a distribution over ab bins out, decoded
here.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as raised

from ml import memory
from ml.color import Array, ab_bins, lab_from_rgb
from ml.compose import compose, small_luma, threads
from ml.errors import ModelUnavailable
from ml.images import Photograph
from ml.spec import Colorizer, Hint, ModelSpec, Settings

STRIDE = 32  # both sides of the network's input are multiples of this
MAX_RATIO = 4.0  # a longer strip is squeezed for the network; chroma is stretched back
INPUTS = {"luma", "hints"}
# Neither is a RuntimeError, but both may tell of lost memory.
FAILURES = (raised.Fail, raised.RuntimeException)
REFUSALS = (  # of a file that is no network, or none that this runtime knows
    raised.Fail,
    raised.InvalidArgument,
    raised.InvalidGraph,
    raised.InvalidProtobuf,
    raised.NoModel,
    raised.NoSuchFile,
    raised.NotImplemented,
)
HINT_RADIUS = 2  # pixels of the network's input around a hint's centre
REACH = 0.1  # of the picture's size (root of its area): how far a hint's correction carries
ALIKE = 10.0  # units of L* and of ab: how far a place may look different and still take part
STAY = 0.03  # weight of the network's own colour where no hint is near


@dataclass(frozen=True, slots=True)
class Dial:
    """How a distribution becomes a colour at one strength: temperature of the annealed mean (Zhang
    et al. 2016, section 2.3) and a factor on its chroma.
    """

    temperature: float
    chroma: float


MUTED, NATURAL, VIVID = Dial(0.5, 0.0), Dial(0.5, 1.3), Dial(0.5, 2.2)  # at strength 0, 1, 2


def dial(strength: float) -> Dial:
    """The setting between MUTED (0), NATURAL (1) and VIVID (2)."""
    low, high, share = (
        (MUTED, NATURAL, strength) if strength <= 1 else (NATURAL, VIVID, strength - 1)
    )
    return Dial(
        low.temperature + share * (high.temperature - low.temperature),
        low.chroma + share * (high.chroma - low.chroma),
    )


def decode(logits: Array, setting: Dial) -> Array:
    """Annealed mean of logits (Q, h, w): ab (h, w, 2) in CIELAB units."""
    scaled = logits / setting.temperature
    weight = np.exp(scaled - scaled.max(0))
    mean = np.tensordot(weight, ab_bins(), (0, 0)) / weight.sum(0)[..., None]
    return np.asarray(mean * setting.chroma, np.float32)


def input_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height of the network's input: the shorter side about `side`, multiples of the
    stride.
    """
    scale = side / min(width, height)
    longest = side * MAX_RATIO
    width, height = (
        max(STRIDE, round(min(longest, n * scale) / STRIDE) * STRIDE) for n in (width, height)
    )
    return width, height


def cell(hint: Hint, width: int, height: int) -> tuple[int, int]:
    """Column and row of a hint on a grid."""
    return min(width - 1, int(hint.x * width)), min(height - 1, int(hint.y * height))


def hint_planes(hints: tuple[Hint, ...], width: int, height: int) -> Array:
    """Hints as the network reads them, (3, height, width): a / 110, b / 110 and a mask."""
    planes = np.zeros((3, height, width), np.float32)
    for hint in hints:
        ab = lab_from_rgb(np.array(hint.rgb, np.uint8))[1:]
        x, y = cell(hint, width, height)
        window = np.s_[
            max(0, y - HINT_RADIUS) : y + HINT_RADIUS + 1,
            max(0, x - HINT_RADIUS) : x + HINT_RADIUS + 1,
        ]
        planes[0][window], planes[1][window], planes[2][window] = *(ab / 110), 1
    return planes


def corrected(ab: Array, luma: Array, hints: tuple[Hint, ...], share: float) -> Array:
    """The network's ab (h, w, 2), moved towards what the hints say it got wrong.

    Every hint tells the difference between its colour, its chroma times `share`, and the
    network's; places take on a mean of the differences, weighted by nearness to the hint's place
    and by likeness to it in luma (4h, 4w) and predicted ab: a joint bilateral filter (Petschnigg et
    al. 2004). Constants by `benchmarks/hints.py`.
    """
    height, width = ab.shape[:2]
    lightness = luma.reshape(height, 4, width, 4).mean((1, 3))
    rows, columns = np.mgrid[:height, :width]
    moves, weights = np.zeros_like(ab), np.full((height, width, 1), STAY, np.float32)
    for hint in hints:
        lab = lab_from_rgb(np.array(hint.rgb, np.uint8))
        x, y = cell(hint, width, height)
        far = ((columns - x) ** 2 + (rows - y) ** 2) / (2 * REACH**2 * height * width)
        unlike = (lightness - lightness[y, x]) ** 2 + ((ab - ab[y, x]) ** 2).sum(-1)
        weight = np.exp(-unlike / (2 * ALIKE**2)) / (1 + far) ** 2
        moves += weight[..., None] * (lab[1:] * share - ab[y, x])
        weights += weight[..., None]
    return np.asarray(ab + moves / weights, np.float32)


class Coloria:
    def __init__(self, spec: ModelSpec, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        # Photos differ in size: an arena would keep what the largest took, a pattern plan for it.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        memory.give_back()
        self.side = spec.size

    def logits(self, luma: Array, hints: Array) -> Array:
        """Logits (Q, h/4, w/4) of luma (h, w), 0..100, and hint planes (3, h, w)."""
        inputs = {"luma": luma[None, None], "hints": hints[None]}
        try:
            (logits,) = self.session.run(None, inputs)
        except FAILURES as error:
            raise RuntimeError(str(error)) from error
        except raised.InvalidArgument as error:
            raise ValueError(str(error)) from error
        return np.asarray(logits[0], np.float32)

    def read(self, photo: Photograph, hints: tuple[Hint, ...] = ()) -> tuple[Array, Array]:
        """The photo's luma (h, w) at the network's size and logits (Q, h/4, w/4)."""
        size = input_size(*photo.size, self.side)
        luma = small_luma(photo, *size)
        return luma, self.logits(luma, hint_planes(hints, *size))

    def colorize(self, photo: Photograph, settings: Settings) -> Photograph:
        """The photo in colour, same size. Reads `strength` and `hints`."""
        luma, logits = self.read(photo, settings.hints)
        ab = decode(logits, dial(settings.strength))
        if settings.hints:
            ab = corrected(ab, luma, settings.hints, min(1.0, settings.strength))
        return compose(photo, ab, luma)


def load(spec: ModelSpec, path: Path, device: str) -> Colorizer:
    """The bundled model, or another export of our recipe; it runs on the CPU whatever `device` is.

    Raises ModelUnavailable if the file is none.
    """
    try:
        coloria = Coloria(spec, path)
    except REFUSALS as error:
        reason = f"{path.name}: not an ONNX network ({str(error).splitlines()[0]})"
        raise ModelUnavailable(reason, {"title": spec.title}) from error
    inputs = {entry.name for entry in coloria.session.get_inputs()}
    if inputs != INPUTS:
        reason = f"{path.name}: another network, whose inputs are {', '.join(sorted(inputs))}"
        raise ModelUnavailable(reason, {"title": spec.title})
    return coloria
