"""`train_model bigcolor`: encoder, BigGAN generator and projection discriminator, in the report's
eight stages (S054).
"""

import dataclasses
import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from ml.nets import bigcolor
from training import checkpoint, loop, sheet
from training.board import SummaryWriter
from training.config import BigColorConfig
from training.data import PhotoStore, Pixels, pack, split
from training.errors import NonFiniteLoss, TrainingError
from training.gan import Game
from training.squares import Batches, Plan, Squares, classes, labels

logger = logging.getLogger(__name__)

Sample = tuple[Tensor, Tensor, Tensor]
# Values for which upstream has other networks than the released one, which is the one on the site.
ONLY = {
    "norm_type": "adabatch", "activation": "relu", "dim_f": 16, "no_res": False,
    "no_cond_e": False, "use_attention": False, "dim_z": bigcolor.LATENT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Photos:
    """What a run learns from and is looked at on."""

    train: Squares
    valid: Squares
    known: list[str]  # the folders that are classes


def check(config: BigColorConfig) -> None:
    """Raises TrainingError for settings that no network here has."""
    for name, value in ONLY.items():
        if getattr(config, name) != value:
            raise TrainingError(
                f"{name}={getattr(config, name)}: the network that COLORIA runs is the released "
                f"one, trained with {name}={value}; weights of another could not be loaded"
            )
    if config.side % 64:
        raise TrainingError(f"side={config.side} is not a multiple of 64")
    if not config.multi_gpu and loop.place()[1] > 1:
        raise TrainingError("multi_gpu=false, but torchrun started several processes")


def prepare(data: Path, cache: Path, config: BigColorConfig) -> Photos:
    """Pack the photos, leave those whose class is in use and divide them (S025-S028): the same
    transform for both parts. Raises TrainingError if too few are left.
    """
    with loop.first_process_first():
        store = pack(data, cache, config.side, config.min_chroma)
        apart = store
        if config.path_imgnet_val:
            apart = pack(Path(config.path_imgnet_val), cache, config.side, config.min_chroma)
    known = classes(store.names)
    usable = in_use(store, known, config)
    valid = 0 if apart is not store else config.valid_photos
    train, held_out = divided(usable, valid, config.keep_pct, config.seed)
    if apart is not store:
        others = in_use(apart, known, config)
        held_out = divided(others, config.valid_photos, 1, config.seed)[1]
    if not train or not held_out:
        raise TrainingError(
            f"{len(usable)} photos are left of the classes index_target, {len(train)} to learn "
            f"from and {len(held_out)} held out: too few"
        )
    return Photos(
        train=squares(store, train, known, config),
        valid=squares(apart, held_out, known, config),
        known=known,
    )


def in_use(store: PhotoStore, known: list[str], config: BigColorConfig) -> list[int]:
    """The photos whose class is one of `index_target` (S026)."""
    wanted = set(config.index_target or range(bigcolor.CLASSES))
    marks = labels(store.names, known, bigcolor.CLASSES)
    return [photo for photo, mark in enumerate(marks) if mark in wanted]


def divided(
    photos: list[int], valid: int, keep_pct: float, seed: int
) -> tuple[list[int], list[int]]:
    """`split` of these photos instead of a whole store."""
    train, held_out = split(len(photos), valid, keep_pct, seed)
    return [photos[place] for place in train], [photos[place] for place in held_out]


def squares(
    store: PhotoStore, photos: list[int], known: list[str], config: BigColorConfig
) -> Squares:
    marks = labels(store.names, known, bigcolor.CLASSES)
    return Squares(store, photos, marks, config.side, (config.dim_z, config.deviation), config.seed)


class Books:
    """What the first process writes: scalars, sheets, checkpoints (S095, S096)."""

    def __init__(
        self, game: Game, photos: Photos, out: Path, record: dict[str, Any], step: int
    ) -> None:
        self.game, self.config, self.out, self.record = game, game.config, out, record
        self.last = out / "last.pt"
        self.board = SummaryWriter(str(out / "tensorboard"), purge_step=step)
        self.samples = {
            "train": self.sample(photos.train),
            "valid": self.sample(photos.valid),
        }
        self.best, self.best_step, self.seconds = math.inf, 0, 0.0

    def sample(self, photos: Squares) -> list[Sample]:
        """S097: the batches that every sheet shows."""
        batch, count = self.config.size_batch, len(photos)
        count = min(count, self.config.iter_sample * batch)
        rows = [photos[number] for number in range(count)]
        return [
            (torch.stack(x), torch.stack(c), torch.stack(z))
            for x, c, z in (
                zip(*rows[first : first + batch], strict=True) for first in range(0, count, batch)
            )
        ]

    def note(self, losses: dict[str, float], step: int, final: bool) -> None:
        """After step `step` (from 0): what its intervals ask for (S067)."""
        if final or step % self.config.interval_save_loss == 0:
            for name, value in losses.items():
                self.board.add_scalar(name, value, step)
            rates = [schedule.get_last_lr()[0] for schedule in self.game.schedules]
            for name, rate in zip(("rate_g", "rate_d"), rates, strict=True):
                self.board.add_scalar(name, rate, step)
        for part, interval in (
            ("train", self.config.interval_save_train),
            ("valid", self.config.interval_save_test),
        ):
            if final or step % interval == 0:
                for averaged in (False, True):
                    self.show(part, averaged, step)

    def show(self, part: str, averaged: bool, step: int) -> None:
        """S095: the sheets train, valid, train_ema and valid_ema, and their figures."""
        truths: list[Pixels] = []
        results: list[Pixels] = []
        for x, c, z in self.samples[part]:
            painted = self.game.results(x, c, z, averaged)
            for truth, result in zip(x, painted, strict=True):
                photo = (truth.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
                truths.append(photo)
                results.append(sheet.on_luma(result.permute(1, 2, 0).numpy(), photo))
        tag = f"{part}_ema" if averaged else part
        picture = sheet.sheet(truths, results)
        kept = sheet.keep(picture, self.out / "samples" / f"{tag}_{step:07d}.png")
        self.board.add_image(tag, kept, step)
        found = sheet.figures(truths, results)
        for name, figure in found.items():
            self.board.add_scalar(f"{tag}/{name}", figure, step)
        if tag == "valid_ema":
            said = ", ".join(f"{name} {figure:.3f}" for name, figure in found.items())
            logger.info("step %d: %s", step, said)
            if found["de00"] < self.best:
                self.best, self.best_step = found["de00"], step

    def save(self, step: int) -> None:
        """`step` steps are done. Raises NonFiniteLoss rather than keep weights that are lost."""
        weights = (*self.game.net.parameters(), *self.game.critic.parameters())
        checkpoint.require_finite(weights, step, self.last)
        self.board.flush()  # what a resumed run does not repeat must be on disk
        figures = {
            "step": step,
            "best_de00": self.best if math.isfinite(self.best) else None,
            "best_step": self.best_step,
            "seconds": round(self.seconds),
        }
        books = {"step": step, "best": self.best, "best_step": self.best_step}
        state = {**self.game.state(), **books, "seconds": self.seconds}
        config = dataclasses.asdict(self.config)
        checkpoint.save(self.last, state, {**self.record, **figures, "config": config})

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.best_step = state["best"], state["best_step"]
        self.seconds = state["seconds"]


def run(
    data: Path,
    out: Path,
    cache: Path,
    config: BigColorConfig,
    preset: str,
    resume: bool,
    device: str,
) -> Path:
    """Train and return the path of the finished weights (EMA), `out/bigcolor.ckpt`.

    Every epoch also leaves EG_NNN.ckpt and EG_EMA_NNN.ckpt, as upstream's releases. Raises
    FileNotFoundError without photos, MissingWeights, NonFiniteLoss, TrainingError.
    """
    check(config)
    device = loop.pick(device)
    if config.threads:
        torch.set_num_threads(config.threads)
    if config.print_config:  # S073
        logger.info("settings: %s", json.dumps(dataclasses.asdict(config)))
    torch.manual_seed(config.seed)
    torch.backends.cudnn.deterministic = True
    out.mkdir(parents=True, exist_ok=True)
    with loop.processes(device):
        game = Game(config, device, loop.place()[1])  # first: it may miss weights
        photos = prepare(data, cache, config)
        record = {"recipe": "bigcolor", "preset": preset, "photos": len(photos.train)}
        learn(game, photos, out, resume, record)
    weights = out / "bigcolor.ckpt"
    if loop.place()[0] == 0:
        game.write(weights)
    return weights


def learn(game: Game, photos: Photos, out: Path, resume: bool, record: dict[str, Any]) -> None:
    """The steps themselves, from the last checkpoint on if `resume` (S093)."""
    config, device = game.config, game.device
    rank, world = loop.place()
    batch = config.size_batch // world * world  # S090
    if not batch or len(photos.train) < world:
        raise TrainingError(f"too few photos or too small a batch for {world} processes")
    plan = Plan(len(photos.train), batch, config.num_epoch, whole=True)
    last, step = out / "last.pt", 0
    state = checkpoint.load(last) if resume and last.exists() else None
    if state is not None:
        game.restore(state)
        step = state["step"]
        logger.info("resumed at step %d from %s", step, last)
    books = Books(game, photos, out, record, step) if rank == 0 else None
    if books and state is not None:
        books.restore(state)
    if books:
        valid = photos.valid
        names = [valid.store.names[photo] for photo in valid.photos]
        checkpoint.note_split(out, {"valid": names, "classes": photos.known}, state is not None)
    del state
    loader = DataLoader(
        photos.train, batch_sampler=Batches(plan, step, rank, world),
        num_workers=config.num_worker, prefetch_factor=4 if config.num_worker else None,
    )  # fmt: skip
    started = time.monotonic() - (books.seconds if books else 0)
    bar = tqdm(total=plan.steps, initial=step, unit="step", disable=rank > 0)  # S092
    with bar:
        for x, c, z in loader:
            bar.set_description(f"epoch {step // plan.per_epoch:03d}")
            losses = game.step(x.to(device), c.to(device), z.to(device))
            values = {name: value.item() for name, value in losses.items()}
            if not all(map(math.isfinite, values.values())):
                raise NonFiniteLoss(
                    f"losses are {values} at step {step}; the last good checkpoint is {last}"
                )
            step += 1
            ended = step % plan.per_epoch == 0
            if ended:
                game.end_epoch()
            if books is None:
                continue
            books.seconds = time.monotonic() - started
            bar.update()
            bar.set_postfix(loss=f"{values['loss']:.3f}", best=f"{books.best:.2f}")
            books.note(values, step - 1, final=step == plan.steps)
            if ended:  # S100; before the checkpoint, after which a resumed run begins
                game.write_epoch(out, step // plan.per_epoch - 1)
            if ended or step % config.interval_save_ckpt == 0:
                books.save(step)
    if books:
        books.board.close()
