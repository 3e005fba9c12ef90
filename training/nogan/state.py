"""Where a NoGAN run stands, and its files.

`last.pt` holds everything that going on needs. `checkpoints/` holds the generator in upstream's
format after every stage and every hundred GAN steps, `best.pth` the one with the best dE00.
"""

import dataclasses
import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ml.nets.deoldify import Generator
from training import checkpoint
from training.nogan import generator
from training.nogan.config import NoganConfig

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Place:
    """A point within a stage: the next thing to do is batch `batch` of epoch `epoch`."""

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    done: float = 0.0  # share of the stage's steps, as the schedule adds it up
    generator_next: bool = False  # in a GAN stage: whose turn it is
    seconds: float = 0.0  # spent in this stage
    optimiser: dict[str, Any] | None = None


@dataclass(slots=True)
class State:
    config: NoganConfig
    out: Path
    record: dict[str, Any]  # recipe, preset, photos: what the side file says besides the figures
    generator: Generator
    critic: nn.Module
    place: Place = field(default_factory=Place)
    losses: list[float] = field(default_factory=list)  # one per step, over all stages
    stages: list[dict[str, Any]] = field(default_factory=list)  # what became of each
    best: float = math.inf
    written: tuple[int, Path] | None = None  # the newest file of `publish`, and its step

    @property
    def last(self) -> Path:
        return self.out / "last.pt"

    def save(self) -> None:
        """Raises NonFiniteLoss rather than keep weights that are lost."""
        values = (*self.generator.parameters(), *self.critic.parameters())
        checkpoint.require_finite(values, len(self.losses), self.last)
        place = {f.name: getattr(self.place, f.name) for f in dataclasses.fields(Place)}
        held = {
            "generator": self.generator.state_dict(),
            "critic": self.critic.state_dict(),
            "place": place,
            "losses": self.losses,
            "stages": self.stages,
            "best": self.best,
        }
        checkpoint.save(self.last, held, self.figures())

    def restore(self) -> None:
        held = checkpoint.load(self.last)
        self.generator.load_state_dict(held["generator"])
        self.critic.load_state_dict(held["critic"])
        self.place = Place(**held["place"])
        self.losses, self.stages, self.best = held["losses"], held["stages"], held["best"]
        logger.info("resumed at step %d from %s", len(self.losses), self.last)

    def figures(self) -> dict[str, Any]:
        return {
            **self.record,
            "step": len(self.losses),
            "best_de00": self.best if math.isfinite(self.best) else None,
            "stages": self.stages,
            "config": dataclasses.asdict(self.config),
        }

    def publish(self, path: Path) -> Path:
        """The generator in upstream's format, with its side file. Of one step there is one file, of
        up to a gigabyte, under as many names as are asked for.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        step = len(self.losses)
        if self.written and self.written[0] == step:
            checkpoint.again(path, self.written[1], self.figures())
        else:
            checkpoint.save(path, generator.published(self.generator), self.figures())
        self.written = step, path
        return path

    def finish_stage(self, label: str, **figures: Any) -> None:
        """Note what became of the stage, and let the next one begin."""
        self.stages.append({"stage": label, **figures})
        self.place = Place(stage=self.place.stage + 1)
        self.save()


def plain(optimiser: Any) -> dict[str, Any]:
    """A fastai optimiser's state in plain containers and numbers, for a file without pickles."""
    held = optimiser.state_dict()
    return {
        "state": [dict(state) for state in held["state"]],
        "hypers": [{k: number(v) for k, v in hyper.items()} for hyper in held["hypers"]],
    }


def moved(optimiser: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """`plain`'s result with its averages on the device of the weights."""
    states = [
        {key: v.to(device) if isinstance(v, Tensor) else v for key, v in state.items()}
        for state in optimiser["state"]
    ]
    return {**optimiser, "state": states}


def number(value: Any) -> float | bool:
    if isinstance(value, Tensor):
        return float(value)
    return value if isinstance(value, bool) else float(value)


def seed_step(seed: int, step: int) -> None:
    """Every step draws its dropout from its own number, so that a resumed run draws the same."""
    torch.manual_seed(seed * 1_000_003 + step)
