"""fastai learners of the three kinds of stage, and the callback that keeps their books.

fastai 2 is published without types. What its GAN module needs watching for, all tested: the
switcher is an instance; a switch makes *everything* trainable; an optimiser steps every parameter
that has a gradient, were it frozen and the gradient zero (weight decay and averages go on).
"""

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.schedule import ParamScheduler  # noqa: F401  (adds fit_one_cycle)
from fastai.learner import Learner
from fastai.optimizer import Adam
from fastai.vision.gan import (
    AdaptiveGANSwitcher,
    AdaptiveLoss,
    GANLearner,
    accuracy_thresh_expand,
)
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from ml.nets.deoldify import Generator
from training.board import SummaryWriter
from training.nogan.config import NoganConfig, Stage
from training.nogan.generator import layer_groups
from training.nogan.state import State, moved, plain, seed_step

EPSILON = 1e-8  # of Adam, as upstream's; fastai 2 would take 1e-5


@dataclass(frozen=True, slots=True)
class Loaders:
    """What a Learner wants of its data."""

    train: DataLoader[tuple[Tensor, Tensor]]
    valid: DataLoader[tuple[Tensor, Tensor]]
    device: torch.device
    n_inp: int = 1

    def __getitem__(self, index: int) -> DataLoader[tuple[Tensor, Tensor]]:
        return (self.train, self.valid)[index]


def adam(betas: tuple[float, float]) -> Any:
    return partial(Adam, mom=betas[0], sqr_mom=betas[1], eps=EPSILON)


def generator_learner(
    loaders: Loaders, net: Generator, loss: nn.Module, config: NoganConfig
) -> Learner:
    return Learner(
        loaders, net, loss, adam(config.betas), splitter=layer_groups, wd=config.weight_decay
    )


def critic_learner(loaders: Loaders, net: nn.Module, config: NoganConfig) -> Learner:
    """Binary cross-entropy, the label spread over all places of the output."""
    loss = AdaptiveLoss(nn.BCEWithLogitsLoss())
    return Learner(
        loaders, net, loss, adam(config.betas),
        metrics=accuracy_thresh_expand, wd=config.weight_decay,
    )  # fmt: skip


def gan_learner(generator: Learner, critic: Learner, config: NoganConfig) -> Learner:
    """S049, S050. The critic is the last layer group."""

    def groups(model: Any) -> list[list[nn.Parameter]]:
        return [*layer_groups(model.generator), list(model.critic.parameters())]

    return GANLearner.from_learners(
        generator,
        critic,
        weights_gen=config.gan_weights,
        show_img=False,
        switcher=AdaptiveGANSwitcher(critic_thresh=config.critic_threshold),
        opt_func=adam(config.gan_betas),
        splitter=groups,
        wd=config.weight_decay,
        cbs=Frozen(),
    )


class Frozen(Callback):  # type: ignore[misc]
    """Of the generator only the last layer group learns: `freeze_to(-1)` after every switch
    (S052).
    """

    order, run_valid = 80, False

    def before_train(self) -> None:
        """`Learner` has just put both networks into training mode; the trainer knows better."""
        self.gan_trainer.switch(self.gan_trainer.gen_mode)

    def before_batch(self) -> None:
        for group in layer_groups(self.model.generator)[:-1]:
            for parameter in group:
                parameter.requires_grad_(False)


class Books(Callback):  # type: ignore[misc]
    """Loss curve, progress, sample sheets and checkpoints of one stage, and going on within it."""

    order, run_valid = 90, False

    def __init__(
        self, state: State, label: str, every: int, steps: int, board: SummaryWriter,
        look: Callable[[], object] | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.state, self.label, self.every, self.steps = state, label, every, steps
        self.board, self.look = board, look
        self.broken: float | None = None
        self.begun = time.monotonic() - state.place.seconds
        self.batch = state.place.batch

    def before_fit(self) -> None:
        place = self.state.place
        if place.optimiser is not None:
            wanted = {k: [hyper[k] for hyper in self.opt.hypers] for k in ("lr", "wd")}
            self.opt.load_state_dict(moved(place.optimiser, self.dls.device))
            self.opt.set_hypers(**wanted)  # may have been changed since (S099)
        done = place.epoch * self.steps + place.batch
        total = self.n_epoch * self.steps
        self.bar = tqdm(total=total, initial=done, desc=self.label, unit="step")

    def before_train(self) -> None:
        place = self.state.place
        self.batch = place.batch if self.epoch == place.epoch else 0
        if self.batch:
            self.learn.pct_train = place.done

    def before_batch(self) -> None:
        seed_step(self.state.config.seed, len(self.state.losses))

    def after_loss(self) -> None:
        value = self.learn.loss.item()
        if not math.isfinite(value):
            self.broken = value
            raise CancelFitException

    def after_batch(self) -> None:
        for parameter in self.model.parameters():
            parameter.grad = None  # a zero gradient would still be a step
        self.state.losses.append(self.learn.loss.item())
        self.batch += 1
        self.tell()
        if len(self.state.losses) % self.state.config.validate_every == 0 and self.look:
            self.look()
        done = self.epoch * self.steps + self.batch
        if done % self.every == 0 and done < self.n_epoch * self.steps:  # its end is kept anyway
            self.keep()

    def tell(self) -> None:
        step, loss = len(self.state.losses), self.state.losses[-1]
        name = "loss"
        if hasattr(self.learn, "gan_trainer"):
            # the switcher has already had its say: the loss is of the network that just learnt
            name = "loss/generator" if self.model_trained_generator() else "loss/critic"
        self.board.add_scalar(name, loss, step)
        self.board.add_scalar("rate", self.opt.hypers[-1]["lr"], step)
        self.bar.update()
        self.bar.set_postfix(loss=f"{loss:.3f}")

    def model_trained_generator(self) -> bool:
        return bool(self.learn.pred.ndim == 4)  # a picture; the critic gives logits (B, places)

    def keep(self) -> None:
        place = self.state.place
        place.epoch, place.batch, place.done = self.epoch, self.batch, float(self.pct_train)
        place.seconds = time.monotonic() - self.begun
        place.optimiser = plain(self.opt)
        if hasattr(self.learn, "gan_trainer"):
            place.generator_next = bool(self.gan_trainer.gen_mode)
            step = self.epoch * self.steps + self.batch
            self.state.publish(self.state.out / "checkpoints" / f"{self.label}-step{step:05d}.pth")
            if self.look:
                self.look()
        self.state.save()

    def after_fit(self) -> None:
        self.bar.close()


def fit(learner: Learner, stage: Stage, state: State, books: Books) -> dict[str, float]:
    """Run the stage from where the state stands; the last epoch's figures on the held-out photos.

    Check `books.broken` afterwards.
    """
    low, high = stage.rates
    if stage.kind == "gan":
        learner.gan_trainer.gen_first = state.place.generator_next
        critic = high * state.config.critic_rate
        run = partial(learner.fit, lr=[*(high for _ in range(3)), critic])
    else:
        if stage.frozen:
            learner.freeze()
        else:
            learner.unfreeze()
        rates = slice(low, high) if low else slice(high)
        run = partial(learner.fit_one_cycle, lr_max=rates, pct_start=stage.pct_start)
    with learner.no_bar(), learner.no_logging(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are shadowing")  # fastai's own GANTrainer does
        run(stage.epochs, cbs=books, start_epoch=state.place.epoch)
    if books.broken is not None or not learner.recorder.values:
        return {}
    names = [name for name in learner.recorder.metric_names if name not in ("epoch", "time")]
    return {
        name: float(value)
        for name, value in zip(names, learner.recorder.values[-1], strict=False)
        if value is not None and name != "train_loss"
    }
