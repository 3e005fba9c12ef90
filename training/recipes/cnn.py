"""`train_model cnn`: the report's Keras U-Net in its six parts (S113)."""

import dataclasses
import logging
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from training import checkpoint, loop, sheet
from training.board import SummaryWriter
from training.config import CnnConfig
from training.data import PhotoStore, pack, shuffled, split
from training.errors import MissingWeights, NonFiniteLoss, TrainingError
from training.squares import Plan

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

AHEAD = 4  # batches that are prepared while one is learnt
SHOWN = 16  # photos on a sample sheet


class Pairs:
    """Grey and colour squares (S, S, 3), 0..1, of photos by their place (S032): squeezed to a
    square, grey in three equal channels.
    """

    def __init__(self, store: PhotoStore, photos: Sequence[int], size: int) -> None:
        self.store, self.photos, self.size = store, photos, size

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, place: int) -> tuple[Array, Array]:
        colour = Image.fromarray(self.store.photo(self.photos[place]))
        return self.square(colour.convert("L").convert("RGB")), self.square(colour)

    def square(self, image: Image.Image) -> Array:
        small = image.resize((self.size, self.size), Image.Resampling.BILINEAR)
        return np.asarray(small, np.float32) / np.float32(255)

    def batch(self, places: Sequence[int]) -> tuple[Array, Array]:
        grey, colour = zip(*(self[place] for place in places), strict=True)
        return np.stack(grey), np.stack(colour)


def batches(
    pairs: Pairs, plan: Plan, first: int, config: CnnConfig
) -> Iterator[tuple[Array, Array]]:
    """The batch of every step from `first` on, prepared ahead in threads (Pillow lets go of the
    interpreter while it resizes). Which photos: a function of the seed and the step.
    """

    def make(step: int) -> tuple[Array, Array]:
        numbers = plan.numbers(step)
        return pairs.batch([shuffled(n, len(pairs), config.seed) for n in numbers])

    with ThreadPoolExecutor(max(1, config.workers)) as pool:
        waiting: deque[Future[tuple[Array, Array]]] = deque()
        for step in range(first, plan.steps):
            while len(waiting) < AHEAD and step + len(waiting) < plan.steps:
                waiting.append(pool.submit(make, step + len(waiting)))
            yield waiting.popleft().result()


class Run:
    """One run: the learner, its photos, and what it writes."""

    def __init__(
        self, learner: Any, train: Pairs, valid: Pairs, config: CnnConfig, out: Path
    ) -> None:
        self.learner, self.train, self.config, self.out = learner, train, config, out
        self.plan = Plan(len(train), config.batch, config.epochs)
        self.last = out / "last.pt"
        self.shown = {"train": train.batch(range(min(SHOWN, len(train))))}
        self.shown["valid"] = valid.batch(range(len(valid)))
        self.step, self.best, self.seconds = 0, math.inf, 0.0
        self.figures: dict[str, float] = {}

    def resume(self) -> None:
        state = checkpoint.load(self.last)
        self.learner.restore(state["variables"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        self.figures = state["figures"]
        logger.info("resumed at step %d from %s", self.step, self.last)

    def save(self, record: dict[str, Any]) -> None:
        books = {"step": self.step, "best": self.best, "seconds": self.seconds}
        variables = self.learner.state()
        checkpoint.require_finite(variables, self.step, self.last)
        state = {"variables": variables, **books, "figures": self.figures}
        best = self.best if math.isfinite(self.best) else None
        told = {"step": self.step, "best_de00": best, "seconds": round(self.seconds)}
        config = dataclasses.asdict(self.config)
        checkpoint.save(self.last, state, {**record, **told, **self.figures, "config": config})

    def learn(self, record: dict[str, Any]) -> None:
        """Part 5 of the report, with a checkpoint at every interval and epoch."""
        config, plan, learner = self.config, self.plan, self.learner
        started = time.monotonic() - self.seconds
        bar = tqdm(total=plan.steps, initial=self.step, unit="step")
        with SummaryWriter(str(self.out / "tensorboard"), purge_step=self.step + 1) as board, bar:
            for grey, colour in batches(self.train, plan, self.step, config):
                told = learner.step(grey, colour)
                if not math.isfinite(told["loss"]):
                    raise NonFiniteLoss(
                        f"loss is {told['loss']} at step {self.step}; "
                        f"the last good checkpoint is {self.last}"
                    )
                self.step += 1
                self.seconds = time.monotonic() - started
                bar.update()
                bar.set_postfix(loss=f"{told['loss']:.4f}", best=f"{self.best:.2f}")
                for name, value in told.items():
                    board.add_scalar(name, value, self.step)
                epoch, rest = divmod(self.step, plan.per_epoch)
                if not rest:
                    self.look(board)
                    if config.keep_every and epoch % config.keep_every == 0:
                        self.publish(f"my_model_{epoch:03d}.keras", record)
                if not rest or self.step % config.checkpoint_every == 0:
                    board.flush()  # what a resumed run does not repeat must be on disk
                    self.save(record)

    def publish(self, name: str, record: dict[str, Any]) -> None:
        """The model as Keras reads it, and its step beside it."""
        self.learner.save(self.out / name)
        checkpoint.describe(self.out / name, {**record, "step": self.step})

    def look(self, board: SummaryWriter) -> None:
        """After an epoch: the report's figures (S111) and ours on the photos held out, and sheets
        of both parts.
        """
        config = self.config
        for part, (grey, colour) in self.shown.items():
            painted = self.learner.predict(grey, config.batch).clip(0, 1)
            truths = list((colour * 255).round().astype(np.uint8))
            results = [sheet.on_luma(*pair) for pair in zip(painted, truths, strict=True)]
            picture = sheet.sheet(truths[:SHOWN], results[:SHOWN])
            path = self.out / "samples" / f"{part}_{self.step:07d}.png"
            board.add_image(part, sheet.keep(picture, path), self.step)
            if part == "train":
                continue
            found = self.learner.evaluate(grey, colour, config.batch)
            squared = float(np.square(painted - colour).mean())
            psnr = -10 * math.log10(squared) if squared else math.inf
            self.figures = {**found, "psnr": psnr, **sheet.figures(truths, results)}
            for name, figure in self.figures.items():
                board.add_scalar(f"valid/{name}", figure, self.step)
            said = ", ".join(f"{name} {figure:.4f}" for name, figure in self.figures.items())
            logger.info("step %d: %s", self.step, said)
            self.best = min(self.best, self.figures["de00"])


def prepare(data: Path, cache: Path, config: CnnConfig) -> tuple[Pairs, Pairs]:
    """Parts 1 and 2: photos to learn from and photos to test on (S029-S033)."""
    if config.size % 32:
        raise TrainingError(f"size={config.size} is not a multiple of 32")
    store = pack(data, cache, config.size, config.min_chroma)
    train, valid = split(len(store), config.valid_photos, config.keep_pct, config.seed)
    if not valid:
        raise TrainingError("one photo is not enough: at least one is held out to test on")
    pairs = Pairs(store, train[: config.train_photos], config.size)
    apart = Pairs(store, valid, config.size)
    logger.info("%d", len(pairs))  # S031
    shape = (config.size, config.size, 3)
    logger.info("Train color image shape: %s", (len(pairs), *shape))  # S033
    logger.info("Test color image shape: %s", (len(apart), *shape))
    return pairs, apart


def unet_module() -> Any:
    """Keras and the network, parts 3 and 4. Raises MissingWeights without Keras."""
    try:
        from training import unet
    except ImportError as error:
        raise MissingWeights("this recipe needs Keras: install it with `make full`") from error
    return unet


def run(
    data: Path,
    out: Path,
    cache: Path,
    config: CnnConfig,
    preset: str,
    resume: bool,
    device: str,
) -> Path:
    """Train and return the path of the model, `out/my_model.keras`; my_model.h5, which Keras calls
    obsolete, lies beside it (S112).

    Raises FileNotFoundError without photos, MissingWeights, NonFiniteLoss, TrainingError.
    """
    unet = unet_module()  # first: Keras may be missing
    out.mkdir(parents=True, exist_ok=True)
    train, valid = prepare(data, cache, config)
    loop.alone("cnn")
    names = [valid.store.names[photo] for photo in valid.photos]
    checkpoint.note_split(out, {"valid": names}, resume and (out / "last.pt").exists())
    unet.settle(config.seed, config.threads)  # before TensorFlow counts its threads
    with unet.device(device):
        learner = unet.Learner(config.size, config.dropout, config.lr)
        course = Run(learner, train, valid, config, out)
        if resume and course.last.exists():
            course.resume()
        else:
            logger.info("%s", learner.summary())
        record = {"recipe": "cnn", "preset": preset, "photos": len(train)}
        record["keras"] = unet.VERSION
        course.learn(record)
        learner.save(out / "my_model.h5")
        course.publish("my_model.keras", record)
        logger.info("my_model.keras is the format that Keras recommends; .h5 is its older one")
    return out / "my_model.keras"
