"""`train_model artistic` and `train_model stable`: DeOldify's NoGAN in fastai 2.

The generator learns by itself, at growing sizes; a critic learns to tell its pictures from photos;
then both learn together for a little while. The last two repeat.
"""

import json
import logging
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from training import checkpoint, loop
from training.board import SummaryWriter
from training.data import PhotoStore, pack, split
from training.errors import NonFiniteLoss
from training.nogan import learners
from training.nogan.config import REPORTED_SECONDS, NoganConfig, Stage, plan, skipped
from training.nogan.critic import critic
from training.nogan.features import FeatureLoss
from training.nogan.generator import trainable
from training.nogan.measure import COLUMNS, Measure, generated_paths, write_images, write_sheet
from training.nogan.pairs import Batches, Changes, Judged, Numbered, Pairs
from training.nogan.state import State

logger = logging.getLogger(__name__)

NARROW = 64  # pixels of a square of which 2 x 2 are left where the generator is widest


def run(
    data: Path,
    out: Path,
    cache: Path,
    config: NoganConfig,
    preset: str,
    resume: bool,
    device: str,
) -> Path:
    """Train and return the path of the finished generator, `out/<network>.pth`, in upstream's
    format.

    Raises FileNotFoundError without photos, MissingWeights, NonFiniteLoss.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    loop.alone(config.network)
    torch.manual_seed(config.seed)
    out.mkdir(parents=True, exist_ok=True)
    loss = FeatureLoss(config.perceptual, config.feature_weights)
    generator = trainable(config.network, config.encoder)
    judge = critic(config.critic_features, config.critic_dropout)
    store = pack(data, cache, config.store_side, config.min_chroma)
    record = {"recipe": config.network, "preset": preset, "photos": len(store)}
    state = State(config, out, record, generator, judge)
    if resume and state.last.exists():
        state.restore()
    with SummaryWriter(str(out / "tensorboard"), purge_step=len(state.losses) + 1) as board:
        Nogan(state, store, loss, torch.device(loop.pick(device)), board).run()
    return state.publish(out / f"{config.network}.pth")


class Nogan:
    """The stages of one run over one store of photos."""

    def __init__(
        self, state: State, store: PhotoStore, loss: FeatureLoss, device: torch.device,
        board: SummaryWriter,
    ) -> None:  # fmt: skip
        self.state, self.store, self.loss = state, store, loss
        self.config, self.device, self.board = state.config, device, board
        config = state.config
        valid = max(1, round(len(store) * config.valid_share))
        self.photos, self.held_out = split(len(store), valid, 1.0, config.seed)
        names = [store.names[index] for index in self.held_out]
        checkpoint.note_split(state.out, {"valid": names}, bool(state.losses))
        self.measured = self.held_out[: config.valid_photos]
        self.measure = Measure(store, self.measured, config.valid_side)
        learnt = self.photos[: min(COLUMNS, config.valid_photos)]
        self.measure_learnt = Measure(store, learnt, config.valid_side)
        self.changes = Changes(config.zoom, config.lighting, config.warp, config.rotate)

    def run(self) -> None:
        state = self.state
        for net in (state.generator, state.critic, self.loss):
            net.to(self.device)
        for number, (label, stage, turn) in enumerate(plan(self.config)):
            if number < state.place.stage:
                continue
            logger.info("stage %s", label)
            if skipped(self.config, label, stage):
                state.finish_stage(label, status="skipped")
            elif stage.kind == "images":
                self.images(label, stage, turn)
            else:
                self.learn(label, stage, turn)

    def chosen(self, stage: Stage, number: int) -> list[int]:
        """The stage's share of the training photos, another one in each stage (S024)."""
        order = np.random.default_rng([self.config.seed, 2, number]).permutation(len(self.photos))
        count = max(1, round(len(order) * stage.keep_pct))
        if stage.max_steps:
            count = min(count, max(2, stage.max_steps * stage.batch * stage.epochs))
        return [self.photos[place] for place in order[:count]]

    def images(self, label: str, stage: Stage, turn: int) -> None:
        """Pictures of the generator as it is now; an interrupted stage begins again."""
        started = time.monotonic()
        photos = sorted(self.chosen(stage, self.state.place.stage))
        folder = self.folder(turn)
        write_images(self.state.generator, self.store, photos, stage.size, stage.batch, folder)
        (folder / "photos.json").write_text(json.dumps(photos))
        seconds = round(time.monotonic() - started, 1)
        self.state.finish_stage(label, status="done", pictures=len(photos), seconds=seconds)

    def folder(self, turn: int) -> Path:
        return self.state.out / "generated" / f"round-{turn}"

    def learn(self, label: str, stage: Stage, turn: int) -> None:
        state, config = self.state, self.config
        loaders = self.loaders(stage, turn)
        if stage.kind == "critic":
            learner = learners.critic_learner(loaders, state.critic, config)
        else:
            learner = learners.generator_learner(loaders, state.generator, self.loss, config)
        if stage.kind == "gan":
            judge = learners.critic_learner(loaders, state.critic, config)
            learner = learners.gan_learner(learner, judge, config)
        look = None if stage.kind == "critic" else partial(self.look, label)
        every = config.gan_checkpoint_every if stage.kind == "gan" else config.checkpoint_every
        books = learners.Books(state, label, every, len(loaders.train), self.board, look)
        # oneDNN takes ten times as long for a gradient of stable's widest layers over so few pixels
        plain = config.network == "stable" and stage.size <= NARROW
        with torch.backends.mkldnn.flags(enabled=not plain):
            figures: dict[str, Any] = dict(learners.fit(learner, stage, state, books))
        if books.broken is not None:
            raise NonFiniteLoss(
                f"loss is {books.broken} at step {len(state.losses)} (stage {label}); "
                f"the last good checkpoint is {state.last}"
            )
        seconds = time.monotonic() - books.begun
        if look is not None:
            figures |= self.look(label)
            state.publish(state.out / "checkpoints" / f"{label}.pth")  # S040
        else:
            weights = state.out / "checkpoints" / f"{label}.pt"
            weights.parent.mkdir(exist_ok=True)
            checkpoint.save(weights, state.critic.state_dict(), state.figures())  # S046
        if not stage.max_steps and stage.name in REPORTED_SECONDS[config.network]:
            figures["reported_seconds_per_epoch"] = REPORTED_SECONDS[config.network][stage.name]
        steps = stage.epochs * len(loaders.train)
        state.finish_stage(
            label, status="done", steps=steps, seconds=round(seconds, 1),
            seconds_per_epoch=round(seconds / stage.epochs, 1), **figures,
        )  # fmt: skip
        logger.info("%s: %s", label, json.dumps(state.stages[-1]))

    def look(self, label: str) -> dict[str, float]:
        """Measure the generator, write a sample sheet, keep the best."""
        state, step = self.state, len(self.state.losses)
        figures, sheet = self.measure(state.generator)
        write_sheet(sheet, state.out / "sheets" / f"{step:07d}-{label}.png")
        for name, figure in figures.items():
            self.board.add_scalar(f"valid/{name}", figure, step)
        self.board.add_image("valid", sheet, step, dataformats="HWC")
        learnt, train_sheet = self.measure_learnt(state.generator)
        self.board.add_scalar("train/de00", learnt["de00"], step)
        self.board.add_image("train", train_sheet, step, dataformats="HWC")
        if figures["de00"] < state.best:
            state.best = figures["de00"]
            state.publish(state.out / "best.pth")
        return figures

    def loaders(self, stage: Stage, turn: int) -> learners.Loaders:
        place = self.state.place
        seed = (self.config.seed, 3, place.stage)
        train: Numbered
        valid: Numbered
        if stage.kind == "critic":
            train, valid = self.judged(stage, turn, seed)
            held_out = valid.count
        else:
            photos = self.chosen(stage, place.stage)
            train = Pairs(self.store, photos, stage.size, self.changes, seed)
            valid = Pairs(self.store, self.measured, stage.size, None, seed)
            held_out = len(self.measured)
        steps = max(1, train.count // stage.batch)
        if stage.max_steps:
            steps = min(steps, stage.max_steps)
        batches = Batches(steps, stage.batch, place.epoch, place.batch)
        return learners.Loaders(
            self.loader(train, batch_sampler=batches),
            self.loader(Subset(valid, range(held_out)), batch_size=stage.batch),
            self.device,
        )

    def loader(self, photos: Any, **how: Any) -> DataLoader[tuple[Tensor, Tensor]]:
        return DataLoader(
            photos,
            num_workers=self.config.workers,
            pin_memory=self.device.type == "cuda",
            **how,
        )

    def judged(self, stage: Stage, turn: int, seed: tuple[int, ...]) -> tuple[Judged, Judged]:
        """Generated pictures and as many photos; a tenth of both is held out."""
        folder, config = self.folder(turn), self.config
        painted = json.loads((folder / "photos.json").read_text())
        rng = np.random.default_rng([config.seed, 4, turn])
        order = rng.permutation(len(painted)).tolist()
        photos = rng.permutation(self.photos)[: len(painted)].tolist()
        held = max(1, round(len(painted) * config.valid_share))
        changes = Changes(
            config.critic_zoom, config.critic_lighting, config.critic_warp, config.rotate
        )
        paths = generated_paths(folder, painted)

        def part(places: list[int], how: Changes | None) -> Judged:
            return Judged(
                self.store, [photos[i] for i in places], [paths[i] for i in places],
                stage.size, how, seed,
            )  # fmt: skip

        return part(order[held:] or order, changes), part(order[:held], None)
